/**
 * The cubic through the state and the field at both ends of a step (Hairer, Nørsett, Wanner I, section II.6), for
 * methods whose first stage is f(t, y) and whose last is f(t + h, y₁). Order 3.
 */

/** bᵢ(θ) = (3θ² − 2θ³) bᵢ, and θ − 2θ² + θ³ more for the first stage, θ³ − θ² for the last. */
export function hermiteInterpolant(b: readonly number[]): number[][] {
  return b.map((weight, i) => {
    const first = i === 0 ? 1 : 0;
    const last = i === b.length - 1 ? 1 : 0;
    return [first, 3 * weight - 2 * first - last, -2 * weight + first + last];
  });
}
