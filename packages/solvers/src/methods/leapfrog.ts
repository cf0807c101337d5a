/**
 * The Störmer-Verlet or leapfrog method in its kick-drift-kick form (Hairer, Lubich, Wanner, "Geometric numerical
 * integration illustrated by the Störmer-Verlet method", Acta Numerica 2003, (1.5)): for q̇ = g(t, p), ṗ = f(t, q)
 *
 *     p½ = p + h/2 f(t, q),  q₁ = q + h g(t + h/2, p½),  p₁ = p½ + h/2 f(t + h, q₁).
 *
 * Order 2, symmetric and symplectic. The last kick serves the next step as its first.
 */
import type { Method, StepKind } from '../method.ts';
import type { ReversibleFixedStepSolver } from '../tableau.ts';
import {
  alwaysPlans,
  explicitCost,
  type Group,
  merged,
  plus,
  recordInterpolant,
  recordOnGroups,
} from './reversible-step.ts';

/** The memory is one group: f(t, q) in the leaves of p; those of q come along unused. */
const kind: StepKind = {
  name: 'step',
  given: 1,
  fresh: 1,
  leaves: [0],
  further: 2,
  coefficients: 0,
  implicit: false,
  cost: explicitCost(1, 2),
  record({ positions = [] }, problem) {
    const onlyPositions = (a: Group, b: Group) => merged(positions, a, b);
    return {
      step: recordOnGroups(problem, 1, ({ t, h, y, groups: [kick], field }) => {
        const half = h.mul(0.5);
        const kicked = onlyPositions(y, plus(y, kick, half));
        const drift = field(t.add(half), kicked);
        const drifted = onlyPositions(plus(y, drift, h), kicked);
        const rates = onlyPositions(drift, field(t.add(h), drifted));
        return [...onlyPositions(drifted, plus(kicked, rates, half)), ...rates];
      }),
      // The field at both ends, for a cubic through them; the state at the end follows from what the step left.
      extend: recordOnGroups(problem, 2, ({ t, h, y, groups: [kick, rates], field }) => {
        const half = h.mul(0.5);
        const twice = plus(plus(y, kick, half), rates, half);
        const end = onlyPositions(plus(y, rates, h), twice);
        return [...field(t, y), ...field(t.add(h), end)];
      }),
      dense: recordInterpolant(problem, 4, (theta, h, y, [kick, rates, from, to]) => {
        const squared = theta.square();
        const cubed = squared.mul(theta);
        const along = squared.mul(3).sub(cubed.mul(2)).mul(h);
        const mean = kick.map((leaf, l) => leaf.add(rates[l]).mul(0.5));
        const moved = plus(y, onlyPositions(rates, mean), along);
        const bent = plus(moved, from, theta.sub(squared.mul(2)).add(cubed).mul(h));
        return plus(bent, to, cubed.sub(squared).mul(h));
      }),
      reverse: recordOnGroups(problem, 1, ({ t, h, y, groups: [rates], field }) => {
        const half = h.mul(0.5);
        const kicked = onlyPositions(y, plus(y, rates, half.neg()));
        const drift = field(t.add(half), kicked);
        const drifted = onlyPositions(plus(y, drift, h.neg()), kicked);
        const kick = onlyPositions(drift, field(t, drifted));
        return [...onlyPositions(drifted, plus(kicked, kick, half.neg())), ...kick];
      }),
    };
  },
};

const method: Method & { readonly reversible: true } = {
  name: 'leapfrog',
  order: 2,
  memory: 1,
  start: 'field',
  implicit: false,
  reversible: true,
  pairs: true,
  course: alwaysPlans(kind),
};

const solver: ReversibleFixedStepSolver = { kind: 'fixed', method };

/**
 * Störmer-Verlet or leapfrog: order 2, one evaluation a step, for a state [q, p] with q̇ = g(t, p) and ṗ = f(t, q).
 * Keeps the energy of a Hamiltonian system within O(h²) for very long times; its steps can be undone.
 */
export function leapfrog(): ReversibleFixedStepSolver {
  return solver;
}
