/**
 * Ralston's method of order 2 (Ralston, "Runge-Kutta methods with minimum error bounds", Mathematics of Computation 16,
 * 1962): of all methods with two stages, the one with the smallest bound on the error of a step.
 *
 * The interpolant is the one quadratic that meets both order conditions: Σ bᵢ(θ) = θ, Σ bᵢ(θ) cᵢ = θ²/2.
 */
import type { FixedStepRungeKutta } from '../tableau.ts';

const solver: FixedStepRungeKutta = {
  kind: 'fixed',
  tableau: {
    name: 'ralston',
    order: 2,
    c: [0, 2 / 3],
    a: [[], [2 / 3]],
    b: [1 / 4, 3 / 4],
    fsal: false,
    interpolant: [
      [1, -3 / 4],
      [0, 3 / 4],
    ],
    interpolantOrder: 2,
  },
};

/** Ralston's method: order 2 with the smallest error bound, two evaluations a step. */
export function ralston(): FixedStepRungeKutta {
  return solver;
}
