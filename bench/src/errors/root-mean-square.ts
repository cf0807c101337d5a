/** The error of a solution. */

/** The root mean square of the errors relative to smallness + |y|. */
export function rootMeanSquareError(
  got: ArrayLike<number>,
  exact: readonly number[],
  smallness: number,
): number {
  const squares = exact.map((value, i) => ((got[i] - value) / (smallness + Math.abs(value))) ** 2);
  return Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / exact.length);
}
