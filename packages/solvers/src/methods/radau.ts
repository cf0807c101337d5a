/**
 * Radau IIA of two and three stages (Ehle 1969; Hairer, Wanner II, section IV.5). Orders 3 and 5, L-stable,
 * stiffly accurate: the methods for stiff problems.
 *
 * The error estimate compares with ŷ₁ = y + h (γ₀ f(t, y) + Σ b̂ᵢ kᵢ), of the order s of quadrature that its s + 1 nodes
 * allow for a given γ₀, and is filtered (the same book, section IV.8). For three stages γ₀ is the real
 * eigenvalue of A, as in Hairer's code RADAU5. Two stages have no real eigenvalue, and take |λ| = √det A.
 */
import { lagrangeWeights } from '../implicit/lagrange.ts';
import type { AdaptiveRungeKutta } from '../tableau.ts';
import { collocationInterpolant } from './collocation.ts';

const root6 = Math.sqrt(6);

const nodes3 = [1 / 3, 1];
const nodes5 = [(4 - root6) / 10, (4 + root6) / 10, 1];

/** γ₀ of two stages. */
const weight3 = 1 / root6;
/** γ₀ of three stages: 1/γ₀ = 3 + 3^(2/3) − 3^(1/3), the real eigenvalue of A⁻¹. */
const weight5 = 1 / (3 + Math.cbrt(9) - Math.cbrt(3));

/**
 * b̂ − b, from γ₀ and the nodes: Σ (b̂ᵢ − bᵢ) cᵢ^(q−1) is −γ₀ for q = 1, and 0 for q = 2 … s. So it is −γ₀ times the value
 * at 0 of Lagrange's polynomials.
 */
function errorWeights(nodes: readonly number[], startWeight: number): number[] {
  return lagrangeWeights(nodes, 0).map((weight) => -startWeight * weight);
}

const order3: AdaptiveRungeKutta = {
  kind: 'adaptive',
  tableau: {
    name: 'radau3',
    order: 3,
    c: nodes3,
    a: [
      [5 / 12, -1 / 12],
      [3 / 4, 1 / 4],
    ],
    b: [3 / 4, 1 / 4],
    error: errorWeights(nodes3, weight3),
    errorOrder: 2,
    fsal: false,
    interpolant: collocationInterpolant(nodes3),
    interpolantOrder: 2,
    implicit: { kind: 'coupled', startWeight: weight3 },
  },
};

const order5: AdaptiveRungeKutta = {
  kind: 'adaptive',
  tableau: {
    name: 'radau5',
    order: 5,
    c: nodes5,
    a: [
      [(88 - 7 * root6) / 360, (296 - 169 * root6) / 1800, (-2 + 3 * root6) / 225],
      [(296 + 169 * root6) / 1800, (88 + 7 * root6) / 360, (-2 - 3 * root6) / 225],
      [(16 - root6) / 36, (16 + root6) / 36, 1 / 9],
    ],
    b: [(16 - root6) / 36, (16 + root6) / 36, 1 / 9],
    error: errorWeights(nodes5, weight5),
    errorOrder: 3,
    fsal: false,
    interpolant: collocationInterpolant(nodes5),
    interpolantOrder: 3,
    implicit: { kind: 'coupled', startWeight: weight5 },
  },
};

/** Radau IIA of two stages: order 3, adaptive, L-stable. */
export function radau3(): AdaptiveRungeKutta {
  return order3;
}

/** Radau IIA of three stages, the method of Hairer's RADAU5: order 5, adaptive, L-stable. */
export function radau5(): AdaptiveRungeKutta {
  return order5;
}
