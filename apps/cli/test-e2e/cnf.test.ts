/** Runs of `cnf`, far too short to learn: what they write, and that they stop and go on. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Place } from './cli.ts';

let place: Place;
beforeEach(() => {
  place = new Place();
});
afterEach(() => place.remove());

const small = ['--width', '8', '--rtol', '1e-3', '--atol', '1e-3'];

test('five files, a density that integrates to 1, and a report with every part', async () => {
  const { code, stdout, stderr } = await place.run('cnf', 'two-moons', '--epochs', '4', ...small);
  expect(code, stderr).toBe(0);
  const [line, where] = stdout.trim().split('\n');
  expect(line).toMatch(
    /^test log-likelihood -\d\.\d+ ± 0\.\d+ nats .* integral of the density \d\.\d+/,
  );
  const folder = /^report: (runs\/cnf-two-moons-\d{8}-\d{6})\/report\.html/.exec(where!)![1]!;
  expect(place.iterations(folder)).toEqual([1, 2, 3, 4]);
  const summary = place.json(folder, 'summary.json');
  expect(summary).toMatchObject({
    command: 'cnf',
    data: 'two-moons',
    test: { logLikelihood: expect.any(Number), standardError: expect.any(Number), points: 4000 },
    nfe: { forward: expect.any(Number), backward: expect.any(Number) },
  });
  expect(Math.abs((summary.integral as number) - 1)).toBeLessThan(0.01);
  const report = place.read(folder, 'report.html');
  for (const part of ['Density and samples', '5 % of the time', 'Paths', 'Loss over']) {
    expect(report).toContain(part);
  }
  expect(report).not.toMatch(/(src|href)="https?:/);
});

test('Ctrl-C stops cleanly; --resume reaches what the whole run reaches', async () => {
  const options = ['cnf', 'pinwheel', '--epochs', '1000', '--seed', '3', ...small];
  await place.run(...options, '--out', 'whole');
  const { code } = await place.runUntil(3, 'SIGINT', ...options, '--out', 'stopped');
  expect(code).toBe(130);
  const rest = await place.run('--resume', '--out', 'stopped');
  expect(rest.code, rest.stderr).toBe(0);
  const figures = (run: string) => {
    const { test: held, loss, integral } = place.json(run, 'summary.json');
    return { held, loss, integral };
  };
  expect(figures('stopped')).toEqual(figures('whole'));
});

test('options count, and wrong ones are refused in one sentence', async () => {
  const figures: unknown[] = [];
  const others = [
    [],
    ['--training', 'flow-matching'],
    ['--field', 'concatsquash'],
    ['--field', 'concatsquash', '--trace', 'hutchinson'],
  ];
  for (const extra of others) {
    const { code, stdout, stderr } = await place.run(
      ...['cnf', 'rings', '--epochs', '2', '--json', ...small, ...extra],
    );
    expect(code, stderr).toBe(0);
    figures.push(JSON.parse(stdout).test.logLikelihood);
  }
  expect(new Set(figures).size).toBe(4);
  for (const wrong of [['two-suns'], ['rings', '--field', 'cubic'], ['rings', '--width', '0']]) {
    const { code, stderr } = await place.run('cnf', ...wrong);
    expect([code, stderr.trim().split('\n').length]).toEqual([2, 1]);
  }
});

test('paper writes a page with its figure', async () => {
  const { code, stdout, stderr } = await place.run(
    ...['paper', 'figure-5', '--effort', '0.001', '--out', 'pages'],
  );
  expect(code, stderr).toBe(0);
  expect(stdout).toBe('written: pages/figure-5.md\n');
  const page = place.read('pages', 'figure-5.md');
  expect(page).toContain('neuralode paper figure-5 --seed 0 --effort 0.001');
  expect(page.match(/^\| two-\w+ .* -\d+\.\d+ ± \d\.\d+ /gm)).toHaveLength(4);
  expect(place.read('pages', 'figure-5.svg')).toContain('data:image/png;base64,');
});
