/** Measured order of convergence of the implicit methods: of the end values and of the dense output between steps. */
import { reference } from '@neuralode/backend-reference';
import {
  backwardEuler,
  gaussLegendre4,
  gaussLegendre6,
  implicitMidpoint,
  kvaerno3,
  kvaerno4,
  kvaerno5,
  radau3,
  radau5,
  rodas4,
  trapezoid,
} from '@neuralode/solvers';
import { setBackend } from '@neuralode/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { logistic, logSlope, type Problem, seasons, solve, swirl } from './problems.ts';

const cubicDecay: Problem = {
  name: 'nonlinear (cubic decay)',
  field: (_, y) => y.pow(3).mul(-0.5),
  exact: (t) => [1 / Math.sqrt(1 + t)],
  interval: [0, 2],
};

/** For RODAS, whose error on the other one changes sign. */
const saturation: Problem = { ...logistic, interval: [0, 3] };

const problemsOf = (name: string): Problem[] => [
  name === 'rodas4' ? saturation : cubicDecay,
  seasons,
  swirl,
];

/** Steps, from `from` a span up, at which each order shows: neither too coarse nor near rounding. */
const methods = [
  { method: backwardEuler(), dense: 1, from: 128 },
  { method: implicitMidpoint(), dense: 2, from: 16 },
  { method: trapezoid(), dense: 2, from: 16 },
  { method: gaussLegendre4(), dense: 3, from: 16 },
  { method: gaussLegendre6(), dense: 4, from: 6 },
  { method: radau3(), dense: 3, from: 16 },
  { method: radau5(), dense: 4, from: 12 },
  { method: kvaerno3(), dense: 3, from: 32 },
  { method: kvaerno4(), dense: 4, from: 32 },
  { method: kvaerno5(), dense: 4, from: 24 },
  { method: rodas4(), dense: 4, from: 24 },
].map(({ method, ...rest }) => ({ tableau: method.tableau, name: method.tableau.name, ...rest }));

/** Where in each step the dense output is looked at. */
const parts = [0.23, 0.5, 0.81];

function errorsOf(
  problem: Problem,
  tableau: (typeof methods)[number]['tableau'],
  count: number,
  backward: boolean,
): { end: number; dense: number } {
  const [from, to] = backward ? problem.interval.toReversed() : problem.interval;
  const step = (to - from) / count;
  const inside = Array.from({ length: count }, (_, i) =>
    parts.map((part) => from + (i + part) * step),
  );
  const times = [from, ...inside.flat(), to];
  // Without error control, so that Newton's iteration goes on to rounding.
  const { rows, stats } = solve(problem.field, problem.exact(from), times, {
    solver: { kind: 'fixed', tableau },
    stepSize: Math.abs(step),
  });
  expect(stats.accepted).toBe(count);
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

describe.each(methods)('$name', ({ name, tableau, dense, from }) => {
  describe.each(problemsOf(name))('$name', (problem) => {
    it.each([
      ['forward', false],
      ['backward', true],
    ] as const)('%s in time', (_, backward) => {
      const counts = [from, 1.5 * from, 2 * from, 3 * from];
      const errors = counts.map((count) => errorsOf(problem, tableau, count, backward));
      const sizes = counts.map((count) => 1 / count);
      const end = logSlope(
        sizes,
        errors.map((each) => each.end),
      );
      const between = logSlope(
        sizes,
        errors.map((each) => each.dense),
      );
      const shown = JSON.stringify(errors);
      expect.soft(Math.abs(end - tableau.order), `end: order ${end} ${shown}`).toBeLessThan(0.15);
      expect.soft(Math.abs(between - dense), `dense: order ${between} ${shown}`).toBeLessThan(0.15);
    });
  });
});
