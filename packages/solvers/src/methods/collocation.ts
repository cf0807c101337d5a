/**
 * The continuous extension of a collocation method: the integral of the polynomial through the stages (Hairer, Nørsett,
 * Wanner I, section II.7).
 */

/** Coefficients, from the constant one up, of the product of two polynomials. */
function multiply(a: readonly number[], b: readonly number[]): number[] {
  const product = new Array<number>(a.length + b.length - 1).fill(0);
  a.forEach((x, i) => {
    b.forEach((y, j) => {
      product[i + j] += x * y;
    });
  });
  return product;
}

/** Row i: bᵢ(θ) = ∫₀^θ ℓᵢ, with ℓᵢ Lagrange's polynomial that is 1 at node i and 0 at the others; from θ¹ up. */
export function collocationInterpolant(nodes: readonly number[]): number[][] {
  return nodes.map((own, i) => {
    const lagrange = nodes.reduce(
      (product, other, j) =>
        j === i ? product : multiply(product, [-other / (own - other), 1 / (own - other)]),
      [1],
    );
    return lagrange.map((coefficient, power) => coefficient / (power + 1));
  });
}
