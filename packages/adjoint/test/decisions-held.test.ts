/**
 * Methods that decide as they go, taken along the decisions of a solve before: there differences see the formulas and not
 * the decisions, and the gradient of the deciding solve is that of the steps it took.
 */
import { grad } from '@neuralode/autodiff';
import { reference } from '@neuralode/backend-reference';
import {
  type AdaptiveSolver,
  auto,
  bdf,
  type Course,
  type ErrorNorm,
  methodOf,
  type OdeintOptions,
  odeint,
  type PlannedStep,
} from '@neuralode/solvers';
import { concat, evaluate, setBackend, type Tensor } from '@neuralode/tensor';
import { beforeAll, expect, it } from 'vitest';
import { direct } from '../src/index.ts';
import { centralGradient, pack, relativeError, unpack } from './numeric.ts';

beforeAll(async () => {
  await setBackend(reference());
});

/** The steps that stood, in turn. */
type Decisions = { readonly step: PlannedStep; readonly h: number }[];

/** The method as it is; what it decides is written down. */
function overheard(solver: AdaptiveSolver, decisions: Decisions): AdaptiveSolver {
  const method = methodOf(solver);
  const course = (): Course => {
    const inner = method.course();
    let planned: PlannedStep;
    return {
      begin: (t) => inner.begin(t),
      plan: (t, h) => {
        planned = inner.plan(t, h);
        return planned;
      },
      judged: (h, errors, stands) => {
        if (stands) decisions.push({ step: planned, h });
        return inner.judged(h, errors, stands);
      },
    };
  };
  return { kind: 'adaptive', method: { ...method, course } };
}

/** The method along given decisions. */
function held(solver: AdaptiveSolver, decisions: Decisions): AdaptiveSolver {
  const course = (): Course => {
    let taken = 0;
    return {
      begin: () => undefined,
      plan: () => decisions[Math.min(taken, decisions.length - 1)].step,
      judged: () => decisions[Math.min(++taken, decisions.length - 1)].h,
    };
  };
  return { kind: 'adaptive', method: { ...methodOf(solver), course } };
}

/** No error is large enough to refuse a step. */
const content: ErrorNorm = {
  kind: 'norm',
  name: 'content',
  ofTensors: ([first]) => first.sum().mul(0),
  ofNumbers: () => 0,
};

/** Van der Pol's oscillator, by its initial state and μ. */
const field = (_: Tensor, y: Tensor, mu: Tensor): Tensor => {
  const [position, speed] = [y.slice([0], [1]), y.slice([1], [1])];
  return concat([speed, position.square().neg().add(1).mul(speed).mul(mu).sub(position)]);
};
const sizes = [[2], [1]];

/**
 * Tolerances at which what Newton's iteration leaves of a step's equation, which a gradient takes as solved, is below the
 * bound; and steps of the differences: past a jump of the oscillator the loss is so curved that only tiny ones see its slope.
 */
const cases = [
  ['auto() across a jump', auto(), [2, -0.01, 200], 200, 1e-8, 1e-7],
  ['bdf()', bdf(), [1.9, -0.006, 100], 50, 1e-9, 1e-5],
] as const;

it.each(cases)(
  'direct() is exact for the steps taken by %s',
  (_, solver, at, end, tolerance, step) => {
    const lossOf =
      (options: OdeintOptions<Tensor>) =>
      ([y0, mu]: Tensor[]): Tensor =>
        odeint(field, y0, [0, end], { ...options, args: mu })
          .ys.slice([1])
          .square()
          .sum();
    const gradientOf = (options: OdeintOptions<Tensor>): number[] =>
      pack(grad(lossOf({ ...options, gradient: direct() })).sync(unpack(at, sizes)));
    const tolerances = { rtol: tolerance, atol: tolerance };

    const decisions: Decisions = [];
    const deciding = gradientOf({ solver: overheard(solver, decisions), ...tolerances });
    const firstStep = decisions[0].h;
    const along = { solver: held(solver, decisions), ...tolerances, norm: content, firstStep };
    expect(gradientOf(along)).toEqual(deciding);

    const value = (flat: readonly number[]): number =>
      evaluate.sync(() => lossOf(along)(unpack(flat, sizes))).itemSync();
    expect(relativeError(deciding, centralGradient(value, at, step))).toBeLessThan(2e-6);
  },
);
