/**
 * Heun's method with Euler's embedded: 2(1) (Hairer, Nørsett, Wanner I, section II.4). Order 2, error order 1.
 *
 * The field at y₁ is appended as a last stage and serves the next step; with it, the cubic Hermite interpolant.
 */
import type { AdaptiveRungeKutta } from '../tableau.ts';
import { hermite } from './interpolants.ts';

const b = [1 / 2, 1 / 2, 0];

const solver: AdaptiveRungeKutta = {
  kind: 'adaptive',
  tableau: {
    name: 'heunEuler',
    order: 2,
    c: [0, 1, 1],
    a: [[], [1], b.slice(0, 2)],
    b,
    error: [-1 / 2, 1 / 2, 0],
    errorOrder: 1,
    fsal: true,
    interpolant: hermite(b),
    interpolantOrder: 2,
  },
};

/** Heun-Euler 2(1): order 2, adaptive, two evaluations a step. */
export function heunEuler(): AdaptiveRungeKutta {
  return solver;
}
