/** Pages of `paper`: what they leave, and that the one with long trainings stops and goes on. */
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

test('table 1, stopped in its second training it tells the first, and goes on to what the whole reaches', async () => {
  writeDigits(place, 260, 20);
  const asked = ['paper', 'table-1', '--data', '.', '--channels', '4', '--seeds', '0'];
  const options = [...asked, '--epochs', '12', '--crop', '2'];
  const whole = await place.run(...options, '--runs', 'all', '--out', 'whole');
  expect(whole.code, whole.stderr).toBe(0);
  expect(rows('whole').map(({ network }) => network)).toEqual([
    '1-layer MLP',
    'ResNet',
    'RK-Net',
    'ODE-Net',
  ]);
  for (const { reached } of rows('whole')) expect(reached[0]!.errors).toHaveLength(12);

  const first = place.iterations('all/mlp-seed-0').length;
  const parts = [...options, '--runs', 'parts', '--out', 'part'];
  expect((await place.runUntil(first + 3, 'SIGINT', ...parts)).code).toBe(130);
  const [mlp, , rknet] = rows('part');
  expect(mlp!.reached[0]!.errors).toHaveLength(12);
  expect(rknet!.reached).toEqual([]);
  expect(place.read('part', 'table-1.md')).toContain('The ODE-Net has not come to an end');

  const rest = await place.run(...options, '--runs', 'parts', '--out', 'rest');
  expect(rest.code, rest.stderr).toBe(0);
  expect(errors('rest')).toEqual(errors('whole'));

  const longer = await place.run(...options, '--epochs', '13', '--runs', 'parts', '--out', 'more');
  expect(longer.code, longer.stderr).toBe(0);
  for (const [i, { reached }] of rows('more').entries()) {
    expect(reached[0]!.errors).toHaveLength(13);
    expect(reached[0]!.errors.slice(0, 12)).toEqual(rows('rest')[i]!.reached[0]!.errors);
  }
  const epochs = place.json('parts/rknet-4-seed-0', 'run.json').options as { epochs: number };
  expect(epochs.epochs).toBe(13);

  const other = await place.run(
    ...options,
    '--epochs',
    '13',
    '--optimiser',
    'sgd',
    '--runs',
    'parts',
    '--out',
    'other',
  );
  expect([other.code, other.stderr]).toEqual([
    2,
    expect.stringMatching(/holds a run with optimiser "adam", and "sgd" is asked for; .* --runs/),
  ]);
});

test('a page comes with its figure and its data; what a page needs or has no use for is said', async () => {
  const made = await place.run(
    'paper',
    'augmented',
    '--effort',
    '0.01',
    '--seed',
    '5',
    '--out',
    'p',
  );
  expect(made.code, made.stderr).toBe(0);
  const text = place.read('p', 'augmented.md');
  expect(text).toContain('`neuralode paper augmented --seed 5 --effort 0.01`');
  expect(text).toContain('](augmented.svg)');
  const trainings = place.json('p', 'augmented.json') as unknown as { lossByEpoch: number[] }[];
  // two problems, plain and augmented, three seeds; a hundredth of 150 epochs
  expect(trainings.map(({ lossByEpoch }) => lossByEpoch.length)).toEqual(new Array(12).fill(2));
  expect(place.read('p', 'augmented.svg')).toMatch(/^<svg xmlns="http:..www.w3.org.2000.svg"/);

  const none = await place.run('paper', 'figure-3');
  expect([none.code, none.stderr]).toEqual([
    2,
    expect.stringMatching(/paper figure-3: no folder of data was named; it needs the four files/),
  ]);
  const idle = await place.run('paper', 'augmented', '--channels', '8');
  expect([idle.code, idle.stderr]).toEqual([
    2,
    expect.stringMatching(/--channels has no effect on augmented/),
  ]);
});
