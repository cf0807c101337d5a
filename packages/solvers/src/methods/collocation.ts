/**
 * The continuous extension of a collocation method: the integral of the polynomial through the stages (Hairer, Nørsett,
 * Wanner I, section II.7).
 */
import { lagrangeBasis } from './lagrange-basis.ts';

/** Row i: bᵢ(θ) = ∫₀^θ ℓᵢ, with ℓᵢ Lagrange's polynomial that is 1 at node i and 0 at the others; from θ¹ up. */
export function collocationInterpolant(nodes: readonly number[]): number[][] {
  return lagrangeBasis(nodes).map((lagrange) =>
    lagrange.map((coefficient, power) => coefficient / (power + 1)),
  );
}
