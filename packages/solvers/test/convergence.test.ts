/** Measured order of convergence: of the end values and of the dense output between steps, in both directions. */
import { reference } from '@neuralode/backend-reference';
import { dopri5, euler, midpoint, type OdeintOptions, rk4 } from '@neuralode/solvers';
import { setBackend } from '@neuralode/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { logSlope, type Problem, problems, solve } from './problems.ts';

type Steps = (h: number) => OdeintOptions<undefined>;

const fixed =
  (solver: ReturnType<typeof rk4>): Steps =>
  (stepSize) => ({ solver, stepSize });

/** Tolerances that every step meets, and a first step and a longest step that leave the controller no choice. */
const constantDopri5: Steps = (h) => ({
  solver: dopri5(),
  firstStep: h,
  maxStep: h,
  rtol: 1e6,
  atol: 1e6,
});

const methods = [
  { name: 'euler', order: 1, dense: 1, steps: fixed(euler()), from: 64 },
  { name: 'midpoint', order: 2, dense: 2, steps: fixed(midpoint()), from: 32 },
  { name: 'rk4', order: 4, dense: 4, steps: fixed(rk4()), from: 16 },
  { name: 'dopri5', order: 5, dense: 5, steps: constantDopri5, from: 20 },
] as const;

/** Off the steps of every size below: fractions of the span by the golden ratio. */
const offStep = Array.from({ length: 24 }, (_, i) => ((i + 1) * 0.6180339887498949) % 1).sort(
  (a, b) => a - b,
);

interface Errors {
  readonly end: number;
  readonly dense: number;
}

function errorsOf(problem: Problem, steps: Steps, count: number, backward: boolean): Errors {
  const [from, to] = backward ? problem.interval.toReversed() : problem.interval;
  const times = [from, ...offStep.map((part) => from + part * (to - from)), to];
  const { rows, stats } = solve(
    problem.field,
    problem.exact(from),
    times,
    steps(Math.abs(to - from) / count),
  );
  expect(stats.accepted).toBe(count);
  expect(stats.rejected).toBe(0);
  const errors = rows.map((row, i) => {
    const exact = problem.exact(times[i]);
    return Math.hypot(...row.map((value, j) => value - exact[j]));
  });
  const between = errors.slice(1, -1);
  return {
    end: errors.at(-1) as number,
    dense: Math.hypot(...between) / Math.sqrt(between.length),
  };
}

beforeAll(async () => {
  await setBackend(reference());
});

describe.each(methods)('$name', ({ order, dense, steps, from }) => {
  describe.each(problems)('$name', (problem) => {
    it.each([
      ['forward', false],
      ['backward', true],
    ] as const)('%s in time', (_, backward) => {
      const counts = [from, 1.5 * from, 2 * from, 3 * from, 4 * from];
      const errors = counts.map((count) => errorsOf(problem, steps, count, backward));
      const sizes = counts.map((count) => 1 / count);
      const end = logSlope(
        sizes,
        errors.map((each) => each.end),
      );
      const between = logSlope(
        sizes,
        errors.map((each) => each.dense),
      );
      expect.soft(Math.abs(end - order), `end values: order ${end}`).toBeLessThan(0.15);
      expect.soft(Math.abs(between - dense), `dense output: order ${between}`).toBeLessThan(0.15);
    });
  });
});
