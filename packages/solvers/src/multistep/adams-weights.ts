/**
 * The coefficients of Adams methods on any grid: integrals of the polynomial through the slopes at earlier times
 * (Hairer, Nørsett, Wanner I, sections III.1 and III.5). All in units of the step, on the host, in float64.
 */
import { lagrangeWeights } from '../implicit/lagrange.ts';
import { collocationInterpolant } from '../methods/collocation.ts';

/** ∫₀¹ ℓᵢ for each node: y₁ = y + h Σ weightᵢ f(node i). */
export function adamsWeights(nodes: readonly number[]): number[] {
  return collocationInterpolant(nodes).map((row) => row.reduce((sum, each) => sum + each, 0));
}

/**
 * γ*ⱼ = ∫₀¹ (s − 1) s (s + 1) … (s + j − 2)/j! ds: of the Adams-Moulton method with j slopes, the error is γ*ⱼ h ∇ʲf
 * (Hairer, Nørsett, Wanner I, section III.1, eqs. (1.9) and (2.9)). From j = 0.
 */
export const moultonErrors: readonly number[] = Array.from({ length: 14 }, () => 0).reduce<
  number[]
>((known) => {
  // γ*ₘ + γ*ₘ₋₁/2 + … + γ*₀/(m + 1) = 0, and 1 where m = 0
  const m = known.length;
  const sum = known.reduce((total, each, i) => total + each / (m + 1 - i), 0);
  return [...known, (m === 0 ? 1 : 0) - sum];
}, []);

/** What f(1) differs by from the extrapolation through slopes at `nodes`: 1 for itself, and minus their weights. */
export function differenceWeights(nodes: readonly number[]): { old: number[]; end: number } {
  return { old: lagrangeWeights(nodes, 1).map((each) => -each), end: 1 };
}

/** How much larger that difference, of order j = nodes.length, would be on a grid of steps all as long as the next one. */
export function equalStepRatio(nodes: readonly number[]): number {
  return nodes.reduce((ratio, node, i) => (ratio * (i + 1)) / (1 - node), 1);
}
