/**
 * The explicit midpoint rule (Runge 1895; Hairer, Nørsett, Wanner I, table II.1.1). Order 2.
 *
 * The interpolant is the one quadratic that meets both order conditions: Σ bᵢ(θ) = θ, Σ bᵢ(θ) cᵢ = θ²/2.
 */
import type { FixedStepRungeKutta } from '../tableau.ts';

const solver: FixedStepRungeKutta = {
  kind: 'fixed',
  tableau: {
    name: 'midpoint',
    order: 2,
    c: [0, 1 / 2],
    a: [[], [1 / 2]],
    b: [0, 1],
    fsal: false,
    interpolant: [
      [1, -1],
      [0, 1],
    ],
    interpolantOrder: 2,
  },
};

/** The explicit midpoint rule: order 2, two evaluations a step. */
export function midpoint(): FixedStepRungeKutta {
  return solver;
}
