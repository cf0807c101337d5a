/**
 * Lagrange's polynomials in powers of θ.
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

/** Row i: ℓᵢ, which is 1 at node i and 0 at the others; coefficients from the constant one up. */
export function lagrangeBasis(nodes: readonly number[]): number[][] {
  return nodes.map((own, i) =>
    nodes.reduce<number[]>(
      (product, other, j) =>
        j === i ? product : multiply(product, [-other / (own - other), 1 / (own - other)]),
      [1],
    ),
  );
}
