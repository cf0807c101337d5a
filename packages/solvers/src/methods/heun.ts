/**
 * Heun's method of order 2, the explicit trapezoidal rule (Heun 1900; Hairer, Nørsett, Wanner I, section II.1).
 *
 * The interpolant is the one quadratic that meets both order conditions: Σ bᵢ(θ) = θ, Σ bᵢ(θ) cᵢ = θ²/2.
 */
import type { FixedStepRungeKutta } from '../tableau.ts';

const solver: FixedStepRungeKutta = {
  kind: 'fixed',
  tableau: {
    name: 'heun',
    order: 2,
    c: [0, 1],
    a: [[], [1]],
    b: [1 / 2, 1 / 2],
    fsal: false,
    interpolant: [
      [1, -1 / 2],
      [0, 1 / 2],
    ],
    interpolantOrder: 2,
  },
};

/** Heun's method: order 2, two evaluations a step. */
export function heun(): FixedStepRungeKutta {
  return solver;
}
