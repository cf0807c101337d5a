/**
 * Bogacki-Shampine 3(2) (Bogacki, Shampine, "A 3(2) pair of Runge-Kutta formulas", Applied Mathematics Letters 2, 1989).
 * Order 3, error order 2.
 *
 * The last stage is the field at y₁; so the cubic Hermite interpolant, which the authors use, costs nothing.
 */
import type { AdaptiveRungeKutta } from '../tableau.ts';
import { hermite } from './interpolants.ts';

const b = [2 / 9, 1 / 3, 4 / 9, 0];
const embedded = [7 / 24, 1 / 4, 1 / 3, 1 / 8];

const solver: AdaptiveRungeKutta = {
  kind: 'adaptive',
  tableau: {
    name: 'bosh3',
    order: 3,
    c: [0, 1 / 2, 3 / 4, 1],
    a: [[], [1 / 2], [0, 3 / 4], b.slice(0, 3)],
    b,
    error: b.map((weight, i) => weight - embedded[i]),
    errorOrder: 2,
    fsal: true,
    interpolant: hermite(b),
    interpolantOrder: 3,
  },
};

/** Bogacki-Shampine 3(2): order 3, adaptive, three evaluations a step. For loose tolerances. */
export function bosh3(): AdaptiveRungeKutta {
  return solver;
}
