/** Measured order of convergence: of the end values and of the dense output between steps, in both directions. */
import { reference } from '@neuralode/backend-reference';
import {
  type AdaptiveSolver,
  alf,
  bosh3,
  cashKarp,
  coupled,
  dop853,
  dopri5,
  euler,
  fehlberg45,
  type FixedStepSolver,
  heun,
  heunEuler,
  midpoint,
  type OdeintOptions,
  ralston,
  reversibleHeun,
  rk38,
  rk4,
  tsit5,
  vern7,
} from '@neuralode/solvers';
import { setBackend } from '@neuralode/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { families } from './families.ts';
import { logSlope, type Problem, solve } from './problems.ts';

type Steps = (h: number) => OdeintOptions<undefined>;

const fixed =
  (solver: FixedStepSolver): Steps =>
  (stepSize) => ({ solver, stepSize });

/** Tolerances that every step meets, and a first step and a longest step that leave the controller no choice. */
const constant =
  (solver: AdaptiveSolver): Steps =>
  (h) => ({ solver, firstStep: h, maxStep: h, rtol: 1e6, atol: 1e6 });

interface Tested {
  readonly name: string;
  readonly order: number;
  /** Of the dense output, where it differs. */
  readonly dense?: number;
  readonly steps: Steps;
  /** From how many steps an order shows; of the high ones, before rounding does. */
  readonly from: number;
}

const methods: readonly Tested[] = [
  { name: 'euler', order: 1, steps: fixed(euler()), from: 48 },
  { name: 'midpoint', order: 2, steps: fixed(midpoint()), from: 48 },
  { name: 'heun', order: 2, steps: fixed(heun()), from: 48 },
  { name: 'ralston', order: 2, steps: fixed(ralston()), from: 48 },
  { name: 'rk4', order: 4, steps: fixed(rk4()), from: 48 },
  { name: 'rk38', order: 4, steps: fixed(rk38()), from: 48 },
  { name: 'heunEuler', order: 2, steps: constant(heunEuler()), from: 48 },
  { name: 'alf', order: 2, steps: constant(alf()), from: 48 },
  { name: 'alf in fixed steps', order: 2, steps: fixed(alf({ adaptive: false })), from: 48 },
  {
    name: 'damped alf',
    order: 1,
    steps: fixed(alf({ damping: 0.8, adaptive: false })),
    from: 192,
  },
  { name: 'reversibleHeun', order: 2, steps: constant(reversibleHeun()), from: 48 },
  { name: 'coupled rk4', order: 4, steps: fixed(coupled(rk4())), from: 48 },
  // Near a coupling of 1, bases of odd order seem to have one more until the steps are small.
  {
    name: 'coupled bosh3',
    order: 3,
    steps: constant(coupled(bosh3(), { coupling: 0.5 })),
    from: 96,
  },
  {
    name: 'coupled dopri5',
    order: 5,
    dense: 4,
    steps: constant(coupled(dopri5(), { coupling: 0.5 })),
    from: 96,
  },
  { name: 'bosh3', order: 3, steps: constant(bosh3()), from: 48 },
  { name: 'fehlberg45', order: 5, steps: constant(fehlberg45()), from: 48 },
  { name: 'cashKarp', order: 5, steps: constant(cashKarp()), from: 48 },
  { name: 'dopri5', order: 5, steps: constant(dopri5()), from: 48 },
  { name: 'tsit5', order: 5, steps: constant(tsit5()), from: 48 },
  { name: 'vern7', order: 7, steps: constant(vern7()), from: 14 },
  { name: 'dop853', order: 8, steps: constant(dop853()), from: 6 },
];

/** Where in each step the dense output is looked at. */
const fractions = [0.3, 0.62];

interface Errors {
  readonly end: number;
  readonly dense: number;
}

function errorsOf(problem: Problem, steps: Steps, count: number, backward: boolean): Errors {
  const [from, to] = backward ? problem.interval.toReversed() : problem.interval;
  const h = (to - from) / count;
  const inside = Array.from({ length: count }, (_, step) =>
    fractions.map((theta) => from + (step + theta) * h),
  );
  const times = [from, ...inside.flat(), to];
  const { rows, stats } = solve(problem.field, problem.exact(from), times, steps(Math.abs(h)));
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

describe.each(methods)('$name', ({ order, dense = order, steps, from }) => {
  describe.each(families)('$name', (problem) => {
    it.each([
      ['forward', false],
      ['backward', true],
    ] as const)('%s in time', (_, backward) => {
      const counts = [1, 1.25, 1.5, 1.75, 2].map((times) => Math.round(times * from));
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
