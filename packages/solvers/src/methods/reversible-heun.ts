/**
 * The reversible Heun method (Kidger, Foster, Li, Lyons 2021, "Efficient and accurate gradients for neural SDEs", Algorithm
 * 1), for an ODE: beside y it carries ŷ, which begins as y₀, and f̂ = f(t, ŷ);
 *
 *     ŷ₁ = 2y − ŷ + h f̂,  y₁ = y + h/2 (f̂ + f(t + h, ŷ₁)).
 *
 * Order 2. The step is undone by the same formulas with −h.
 */
import { clean } from '@neuralode/autodiff';
import { inline, record } from '@neuralode/tensor';
import type { Method, StepKind } from '../method.ts';
import { requireKnownOptions } from '../option-names.ts';
import { sizeOfStepErrors } from '../step-arithmetic.ts';
import type { ReversibleAdaptiveSolver, ReversibleFixedStepSolver } from '../tableau.ts';
import {
  alwaysPlans,
  explicitCost,
  type Group,
  plus,
  recordInterpolant,
  recordOnGroups,
} from './reversible-step.ts';

/** Settings of `reversibleHeun`. */
export interface ReversibleHeunOptions {
  /** Whether the steps follow from an error estimate, h/2 (f̂₁ − f̂), of order 1. Default true. */
  readonly adaptive?: boolean;
}

/** 2y − ŷ. */
function mirrored(y: Group, hat: Group) {
  return y.map((leaf, l) => leaf.mul(2).sub(hat[l]));
}

const kind: StepKind = {
  name: 'step',
  given: 2,
  fresh: 2,
  leaves: [0, 1],
  further: 0,
  coefficients: 0,
  implicit: false,
  cost: explicitCost(1),
  record: ({ control, steered }, problem) => ({
    step: recordOnGroups(problem, 2, ({ t, h, y, groups: [hat, rate], field }) => {
      const half = h.mul(0.5);
      const nextHat = plus(mirrored(y, hat), rate, h);
      const nextRate = field(t.add(h), nextHat);
      const y1 = plus(plus(y, rate, half), nextRate, half);
      if (control.kind === 'fixed') return [...y1, ...nextHat, ...nextRate];
      const errors = nextRate.map((leaf, l) => leaf.sub(rate[l]).mul(half));
      const size = sizeOfStepErrors(control, steered, y, y1, errors);
      return [...y1, ...nextHat, ...nextRate, size];
    }),
    // The slope changes from f̂ to f̂₁ in a straight line.
    dense: recordInterpolant(problem, 4, (theta, h, y, [, rate, , nextRate]) => {
      const late = theta.square().mul(0.5);
      return plus(plus(y, rate, theta.sub(late).mul(h)), nextRate, late.mul(h));
    }),
    reverse: recordOnGroups(problem, 2, ({ t, h, y, groups: [nextHat, nextRate], field }) => {
      const half = h.mul(-0.5);
      const hat = plus(mirrored(y, nextHat), nextRate, h.neg());
      const rate = field(t, hat);
      return [...plus(plus(y, rate, half), nextRate, half), ...hat, ...rate];
    }),
  }),
};

function methodOf(adaptive: boolean): Method & { readonly reversible: true } {
  return {
    name: 'reversibleHeun',
    order: 2,
    ...(adaptive && { errorOrder: 1 }),
    memory: 2,
    start({ body, state, args, scalar }) {
      const recording = record([scalar, ...state, ...args], (t, ...stand) => [
        ...stand.slice(0, state.length),
        ...inline(body, [t, ...stand]),
      ]);
      return clean(recording.graph);
    },
    implicit: false,
    reversible: true,
    course: alwaysPlans(kind),
  };
}

const adaptiveSolver: ReversibleAdaptiveSolver = { kind: 'adaptive', method: methodOf(true) };
const fixedSolver: ReversibleFixedStepSolver = { kind: 'fixed', method: methodOf(false) };

/**
 * Reversible Heun: order 2, one evaluation a step; adaptive, or with `adaptive: false` in fixed steps. Its steps can be
 * undone.
 */
export function reversibleHeun(
  options: ReversibleHeunOptions & { readonly adaptive: false },
): ReversibleFixedStepSolver;
export function reversibleHeun(
  options?: ReversibleHeunOptions & { readonly adaptive?: true },
): ReversibleAdaptiveSolver;
export function reversibleHeun(
  options: ReversibleHeunOptions = {},
): ReversibleFixedStepSolver | ReversibleAdaptiveSolver {
  requireKnownOptions(options, ['adaptive'], 'reversibleHeun');
  const { adaptive = true } = options;
  return adaptive ? adaptiveSolver : fixedSolver;
}
