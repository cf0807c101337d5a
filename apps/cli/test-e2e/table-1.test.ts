/** Table 1 on a few made-up digits: it stops, says what it has, and goes on. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Place } from './cli.ts';
import { writeDigits } from './digits.ts';

let place: Place;
beforeEach(() => {
  place = new Place();
});
afterEach(() => place.remove());

interface Row {
  readonly network: string;
  readonly reached: readonly { readonly seed: number; readonly errors: readonly number[] }[];
}

const rows = (folder: string): readonly Row[] =>
  place.json(folder, 'table-1.json').rows as readonly Row[];

const errors = (folder: string) =>
  rows(folder).map(({ network, reached }) => [network, reached.map((each) => each.errors)]);

test('stopped in its second training it tells the first, and goes on to what the whole reaches', async () => {
  writeDigits(place, 260, 20);
  const asked = ['paper', 'table-1', '--data', '.', '--channels', '4', '--seeds', '0'];
  const options = [...asked, '--epochs', '12', '--optimiser', 'adam', '--crop', '2'];
  const whole = await place.run(...options, '--runs', 'all', '--out', 'whole');
  expect(whole.code, whole.stderr).toBe(0);
  expect(rows('whole').map(({ network }) => network)).toEqual([
    '1-layer MLP',
    'ResNet',
    'RK-Net',
    'ODE-Net',
  ]);
  for (const { reached } of rows('whole')) expect(reached[0]!.errors).toHaveLength(12);

  const { child, ended } = place.start(...options, '--runs', 'parts', '--out', 'part');
  await place.untilIteration('parts/resnet-4-seed-0', 3);
  child.kill('SIGINT');
  expect((await ended).code).toBe(130);
  const [mlp, , rknet] = rows('part');
  expect(mlp!.reached[0]!.errors).toHaveLength(12);
  expect(rknet!.reached).toEqual([]);
  expect(place.read('part', 'table-1.md')).toContain('The ODE-Net has not come to an end');

  const rest = await place.run(...options, '--runs', 'parts', '--out', 'rest');
  expect(rest.code, rest.stderr).toBe(0);
  expect(errors('rest')).toEqual(errors('whole'));

  const other = await place.run(...asked, '--epochs', '13', '--runs', 'parts', '--out', 'other');
  expect([other.code, other.stderr]).toEqual([
    2,
    expect.stringMatching(/holds a run with optimiser "adam", and "sgd" is asked for; .* --runs/),
  ]);
}, 120_000);
