/** The parts of figure 3: what is measured of solves, and how it is averaged and fitted. */
import { simd } from '@neuralode/backend-simd';
import { odenet } from '@neuralode/odenet';
import { random, setBackend } from '@neuralode/tensor';
import { expect, test } from 'vitest';
import type { Digits } from '../src/mnist/digits.ts';
import { backwardSolves, ways } from '../src/paper/figure-3/backward-solves.ts';
import { byPartOfEpoch, figure3Page } from '../src/paper/figure-3/figure-3-page.ts';
import { forwardSolves, relativeError, tolerances } from '../src/paper/figure-3/forward-solves.ts';
import { lineThrough } from '../src/paper/line.ts';

test('a line is found, and what it leaves unexplained', () => {
  const line = lineThrough([0, 1, 2, 5].map((x) => ({ x, y: 3 - 2 * x })));
  expect(line.slope).toBeCloseTo(-2, 12);
  expect(line.intercept).toBeCloseTo(3, 12);
  expect(line.explained).toBeCloseTo(1, 12);
  // y = |x| has no slope over [−1, 1]
  const none = lineThrough([-1, -0.5, 0, 0.5, 1].map((x) => ({ x, y: Math.abs(x) })));
  expect([none.slope, none.explained]).toEqual([0, 0]);
});

test('an error is relative to the whole norm', () => {
  expect(relativeError([3, 4, 0], [3, 4, 1])).toBeCloseTo(1 / Math.sqrt(26), 12);
});

test('evaluations are averaged over tenths of an epoch', () => {
  const metrics = Array.from({ length: 40 }, (_, i) => ({
    iteration: i + 1,
    loss: 1,
    seconds: i,
    nfe: { forward: i < 20 ? 20 : 30, backward: i % 2 },
  }));
  const parts = byPartOfEpoch(metrics, 20);
  expect(parts).toHaveLength(20);
  expect(parts[0]).toEqual({ epoch: 0.1, forward: 20, backward: 0.5 });
  expect(parts.at(-1)).toEqual({ epoch: 2, forward: 30, backward: 0.5 });
});

const count = 4;
const pixels = Uint8Array.from({ length: count * 784 }, (_, i) => (i * 37) % 256);
const digits: Digits = { count, pixels, labels: Uint8Array.from([1, 2, 3, 4]) };

test('tighter tolerances cost more evaluations and leave less error', async () => {
  await setBackend(simd());
  const params = odenet({ channels: 2 }).init(random(0));
  const solves = await forwardSolves(params, 2, digits, [1e-1, 1e-4]);
  expect(solves.map(({ tolerance }) => tolerance)).toEqual([1e-1, 1e-4, 1e-1, 1e-4, 1e-1, 1e-4]);
  const [loose, tight] = [solves[0]!, solves[1]!];
  expect(tight.evaluations).toBeGreaterThan(loose.evaluations);
  expect(tight.error).toBeLessThan(loose.error / 10);
  // a solver asked for 1e-4 leaves no more than some hundredfold of it over the whole span
  expect(tight.error).toBeLessThan(1e-2);
  expect(solves.every(({ seconds }) => seconds > 0)).toBe(true);
});

test('the backward solve costs more where the adjoint has a tolerance of its own scale', async () => {
  await setBackend(simd());
  const params = odenet({ channels: 2 }).init(random(0));
  const told: string[] = [];
  const solves = await backwardSolves(
    { params, channels: 2, test: digits },
    (name) => told.push(name),
    [1e-3],
  );
  expect(told).toEqual(ways.map(({ name }) => name));
  const backward = (way: string) => solves.find((solve) => solve.way === way)!.backward;
  const error = (way: string) => solves.find((solve) => solve.way === way)!.error;
  for (const method of ['dopri5', 'Adams']) {
    const own = `${method}, atol · 1e-4 back`;
    expect(backward(own)).toBeGreaterThan(backward(method));
    // and gives the gradient of a solve at 1e-6 more closely
    expect(error(own)).toBeLessThan(error(method));
    expect(error(own)).toBeLessThan(0.2);
  }
  // the forward solve does not know of it
  const forward = (way: string) => solves.find((solve) => solve.way === way)!.forward;
  expect(forward('dopri5, full norm')).toBe(forward('dopri5'));
});

test('the page has four panels, and says the figures that it is drawn from', () => {
  const each = <T>(make: (tolerance: number, i: number) => T): T[] => tolerances.map(make);
  const page = figure3Page({
    options: { seed: 0, backend: 'simd', channels: 16, epochs: 2 },
    testAccuracy: 0.9876,
    trainingSeconds: 61,
    forward: each((tolerance, i) => ({
      tolerance,
      evaluations: 20 + 6 * i,
      error: tolerance / 10,
      seconds: 0.002 * (20 + 6 * i),
    })),
    backward: ways.flatMap(({ name }, w) =>
      each((tolerance, i) => ({
        way: name,
        tolerance,
        forward: 20 + 6 * i,
        backward: (1 + w) * (10 + 3 * i),
        error: (1 + w) * tolerance,
      })),
    ),
    training: [20, 30].map((forward, i) => ({ epoch: i + 1, forward, backward: 10 })),
  });
  expect(page.figure.svg.match(/font-weight="600"/g)).toHaveLength(4);
  const text = page.paragraphs.join('\n');
  expect(text).toContain('98.76 % of the test digits right');
  expect(text).toContain('2.00 ms each, and the line explains 100.0 % of the variance');
  expect(text).toContain('dopri5 0.50 to 0.50; dopri5, full norm 1.00 to 1.00');
  expect(text).toContain('20.0 forward evaluations in the first epoch, 30.0 in the last');
  expect(page.tables[1]!.rows[0]!.slice(0, 3)).toEqual([
    '1.0e+0',
    '20 + 10, 1e+0',
    '20 + 20, 2e+0',
  ]);
});
