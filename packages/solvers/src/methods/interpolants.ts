/** Continuous extensions that follow from a method's weights by a rule. */
import { powersOf } from '../nested-polynomial.ts';

/**
 * The cubic through both ends of the step with the slopes there (Hairer, Nørsett, Wanner I, section II.6):
 * order 3, or the method's order where that is lower. The last stage must be f(t + h, y₁).
 */
export function hermite(b: readonly number[]): number[][] {
  const last = b.length - 1;
  return b.map((weight, stage) => {
    const atStart = stage === 0 ? 1 : 0;
    const atEnd = stage === last ? 1 : 0;
    return [atStart, 3 * weight - 2 * atStart - atEnd, atStart + atEnd - 2 * weight];
  });
}

/**
 * The polynomial of Hairer's codes DOPRI5 and DOP853, whose last stage is f(t + h, y₁):
 * y + θ(Δ + (1 − θ)(β + θ(γ + (1 − θ)(ε₁ + θ(ε₂ + …))))) with Δ = h Σ bᵢkᵢ, β = h k₁ − Δ, γ = Δ − h k_last − β and
 * εⱼ = h Σ dⱼᵢkᵢ; multiplied out, stage by stage. Stages beyond those of b serve the εⱼ alone.
 */
export function bootstrapped(b: readonly number[], d: readonly (readonly number[])[]): number[][] {
  const last = b.length - 1;
  return d[0].map((_, stage) => {
    const delta = b[stage] ?? 0;
    const beta = (stage === 0 ? 1 : 0) - delta;
    const gamma = delta - (stage === last ? 1 : 0) - beta;
    return powersOf([delta, beta, gamma, ...d.map((row) => row[stage])]);
  });
}
