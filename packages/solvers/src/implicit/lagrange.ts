/**
 * Lagrange interpolation: how much each value at `nodes` counts in the polynomial's value at `x`.
 */
export function lagrangeWeights(nodes: readonly number[], x: number): number[] {
  return nodes.map((own, i) =>
    nodes.reduce(
      (product, other, j) => (j === i ? product : (product * (x - other)) / (own - other)),
      1,
    ),
  );
}
