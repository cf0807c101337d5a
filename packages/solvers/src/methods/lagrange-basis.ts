/**
 * Lagrange's polynomials in powers of θ. Row i: ℓᵢ, which is 1 at node i and 0 at the others; coefficients from the
 * constant one up.
 */
export function lagrangeBasis(nodes: readonly number[]): number[][] {
  return nodes.map((own, i) => {
    const coefficients = new Array<number>(nodes.length).fill(0);
    coefficients[0] = 1;
    let degree = 0;
    nodes.forEach((other, j) => {
      if (j === i) return;
      degree++;
      const slope = 1 / (own - other);
      const constant = -other * slope;
      // Times slope · θ + constant, from the highest power down.
      for (let power = degree; power > 0; power--) {
        coefficients[power] = coefficients[power] * constant + coefficients[power - 1] * slope;
      }
      coefficients[0] *= constant;
    });
    return coefficients;
  });
}
