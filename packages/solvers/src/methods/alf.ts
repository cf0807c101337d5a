/**
 * The asynchronous leapfrog method (Mutze 2013, "An asynchronous leapfrog method II"), damped (Zhuang, Dvornek, Tatikonda,
 * Duncan 2021, "MALI: A memory efficient and reverse accurate integrator for neural ODEs", Algorithm 2 and section 3.3):
 * beside y it carries a velocity v, which begins as f(t₀, y₀);
 *
 *     y½ = y + h/2 v,  v₁ = v + 2η (f(t + h/2, y½) − v),  y₁ = y½ + h/2 v₁.
 *
 * Order 2 where η = 1, else 1. The step is undone by solving the three lines from the last to the first.
 */
import { ArgumentError } from '@neuralode/tensor';
import type { Method, StepKind } from '../method.ts';
import { requireKnownOptions } from '../option-names.ts';
import { sizeOfStepErrors } from '../step-arithmetic.ts';
import type { ReversibleAdaptiveSolver, ReversibleFixedStepSolver } from '../tableau.ts';
import {
  alwaysPlans,
  explicitCost,
  plus,
  recordInterpolant,
  recordOnGroups,
} from './reversible-step.ts';

/** Settings of `alf`. */
export interface AlfOptions {
  /**
   * η, between 1/2 and 1. Below 1 the method is stable on a region with an interior, and of order 1 instead of 2; and
   * undoing a step multiplies rounding by 1/(2η − 1), so that few steps can be undone. Default 1.
   */
  readonly damping?: number;
  /** Whether the steps follow from an error estimate, h/2 (v₁ − v), of order 1. Default true. */
  readonly adaptive?: boolean;
}

function kindOf(damping: number): StepKind {
  return {
    name: 'step',
    given: 1,
    fresh: 1,
    leaves: [0],
    further: 0,
    coefficients: 0,
    implicit: false,
    cost: explicitCost(1),
    record: ({ control, steered }, problem) => ({
      step: recordOnGroups(problem, 1, ({ t, h, y, groups: [v], field }) => {
        const half = h.mul(0.5);
        const middle = plus(y, v, half);
        const u = field(t.add(half), middle);
        const after = v.map((leaf, l) => leaf.add(u[l].sub(leaf).mul(2 * damping)));
        const y1 = plus(middle, after, half);
        if (control.kind === 'fixed') return [...y1, ...after];
        const errors = after.map((leaf, l) => leaf.sub(v[l]).mul(half));
        return [...y1, ...after, sizeOfStepErrors(control, steered, y, y1, errors)];
      }),
      // The velocity changes from v to v₁ in a straight line.
      dense: recordInterpolant(problem, 2, (theta, h, y, [v, after]) => {
        const late = theta.square().mul(0.5);
        return plus(plus(y, v, theta.sub(late).mul(h)), after, late.mul(h));
      }),
      reverse: recordOnGroups(problem, 1, ({ t, h, y, groups: [after], field }) => {
        const half = h.mul(0.5);
        const middle = plus(y, after, half.neg());
        const u = field(t.add(half), middle);
        const v = after.map((leaf, l) =>
          leaf.sub(u[l].mul(2 * damping)).mul(1 / (1 - 2 * damping)),
        );
        return [...plus(middle, v, half.neg()), ...v];
      }),
    }),
  };
}

function methodOf(damping: number, adaptive: boolean): Method & { readonly reversible: true } {
  return {
    name: 'alf',
    order: damping === 1 ? 2 : 1,
    ...(adaptive && { errorOrder: 1 }),
    memory: 1,
    start: 'field',
    implicit: false,
    reversible: true,
    course: alwaysPlans(kindOf(damping)),
  };
}

/**
 * Asynchronous leapfrog: order 2, one evaluation a step; adaptive, or with `adaptive: false` in fixed steps. Its steps can
 * be undone.
 */
export function alf(options: AlfOptions & { readonly adaptive: false }): ReversibleFixedStepSolver;
export function alf(options?: AlfOptions & { readonly adaptive?: true }): ReversibleAdaptiveSolver;
export function alf(
  options: AlfOptions = {},
): ReversibleFixedStepSolver | ReversibleAdaptiveSolver {
  requireKnownOptions(options, ['damping', 'adaptive'], 'alf');
  const { damping = 1, adaptive = true } = options;
  if (!(damping > 0.5 && damping <= 1)) {
    throw new ArgumentError({
      what: 'alf: the damping must lie between 1/2, where a step cannot be undone, and 1',
      got: String(damping),
    });
  }
  return { kind: adaptive ? 'adaptive' : 'fixed', method: methodOf(damping, adaptive) };
}
