/** Runs of `spirals`, far too short to learn: what they write, and that they stop and go on. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Place } from './cli.ts';

let place: Place;
beforeEach(() => {
  place = new Place();
});
afterEach(() => place.remove());

test('five files, figures of both models, and a report with every part', async () => {
  const { code, stdout, stderr } = await place.run('spirals', '--epochs', '5', '--points', '30');
  expect(code, stderr).toBe(0);
  const [line, where] = stdout.trim().split('\n');
  expect(line).toMatch(/^test RMSE .* inside [\d.]+ \(RNN.* [\d.]+\) · beyond [\d.]+ \(RNN.*\)/);
  const folder = /^report: (runs\/spirals-\d{8}-\d{6})\/report\.html/.exec(where!)![1]!;
  expect(place.iterations(folder)).toEqual([1, 2, 3, 4, 5]);
  const rmse = { rmse: expect.any(Number), inside: expect.any(Number), beyond: expect.any(Number) };
  expect(place.json(folder, 'summary.json')).toMatchObject({
    command: 'spirals',
    backend: 'simd',
    solver: 'dopri5',
    points: 30,
    iterations: 5,
    train: { rmse: expect.any(Number) },
    test: rmse,
    baseline: rmse,
    nfe: { forward: expect.any(Number), backward: expect.any(Number) },
  });
  const report = place.read(folder, 'report.html');
  for (const part of ['Reconstruction and extrapolation', 'Latent trajectories', 'Loss over']) {
    expect(report).toContain(part);
  }
});

test('Ctrl-C stops cleanly; --resume reaches what the whole run reaches', async () => {
  const options = ['spirals', '--epochs', '400', '--points', '100', '--seed', '3'];
  await place.run(...options, '--out', 'whole');
  const { code } = await place.runUntil(3, 'SIGINT', ...options, '--out', 'stopped');
  expect(code).toBe(130);
  const rest = await place.run('--resume', '--out', 'stopped');
  expect(rest.code, rest.stderr).toBe(0);
  const all = Array.from({ length: 400 }, (_, i) => i + 1);
  expect(place.iterations('stopped')).toEqual(all);
  // the baseline's figures depend on the clock, the model's do not
  const figures = (run: string) => {
    const { train, test: held, loss } = place.json(run, 'summary.json');
    const { inside, beyond } = held as { inside: number; beyond: number };
    return { train, inside, beyond, loss };
  };
  expect(figures('stopped')).toEqual(figures('whole'));
});

test('options count, and wrong ones are refused in one sentence', async () => {
  const summaries: unknown[] = [];
  for (const extra of [[], ['--solver', 'rk4'], ['--seed', '1'], ['--rtol', '0.1']]) {
    const { code, stdout, stderr } = await place.run(
      'spirals',
      '--epochs',
      '3',
      '--json',
      ...extra,
    );
    expect(code, stderr).toBe(0);
    summaries.push(JSON.parse(stdout).test.rmse);
  }
  expect(new Set(summaries).size).toBe(4);
  const { code, stderr } = await place.run('spirals', '--points', '7');
  expect([code, stderr.trim().split('\n').length]).toEqual([2, 1]);
});
