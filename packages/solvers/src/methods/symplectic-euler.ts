/**
 * The symplectic or semi-implicit Euler method (de Vogelaere 1956; Hairer, Lubich, Wanner, "Geometric Numerical
 * Integration", 2nd ed., section I.1.2): p₁ = p + h f(t, q), q₁ = q + h g(t + h, p₁) for q̇ = g(t, p), ṗ = f(t, q). Order 1.
 */
import type { Method, StepKind } from '../method.ts';
import type { ReversibleFixedStepSolver } from '../tableau.ts';
import {
  alwaysPlans,
  explicitCost,
  merged,
  plus,
  recordInterpolant,
  recordOnGroups,
} from './reversible-step.ts';

const kind: StepKind = {
  name: 'step',
  given: 0,
  fresh: 1,
  leaves: [],
  further: 0,
  coefficients: 0,
  implicit: false,
  cost: explicitCost(1),
  record({ positions = [] }, problem) {
    return {
      step: recordOnGroups(problem, 0, ({ t, h, y, field }) => {
        const kicked = merged(positions, y, plus(y, field(t, y), h));
        const rates = merged(positions, field(t.add(h), kicked), field(t, y));
        return [...plus(y, rates, h), ...rates];
      }),
      dense: recordInterpolant(problem, 1, (theta, h, y, [rates]) => plus(y, rates, h.mul(theta))),
      reverse: recordOnGroups(problem, 0, ({ t, h, y, field }) => {
        const back = h.neg();
        const drifted = merged(positions, plus(y, field(t.add(h), y), back), y);
        return merged(positions, drifted, plus(y, field(t, drifted), back));
      }),
    };
  },
};

const method: Method & { readonly reversible: true } = {
  name: 'symplecticEuler',
  order: 1,
  memory: 0,
  implicit: false,
  reversible: true,
  pairs: true,
  course: alwaysPlans(kind),
};

const solver: ReversibleFixedStepSolver = { kind: 'fixed', method };

/**
 * The symplectic Euler method: order 1, one evaluation a step, for a state [q, p] with q̇ = g(t, p) and ṗ = f(t, q).
 * Keeps the energy of a Hamiltonian system within O(h) for very long times; its steps can be undone.
 */
export function symplecticEuler(): ReversibleFixedStepSolver {
  return solver;
}
