/** The matrix exponential, which solves linear equations. */

type Matrix = readonly (readonly number[])[];

/** A y. */
export function productWith(a: Matrix, y: readonly number[]): number[] {
  return a.map((row) => row.reduce((sum, value, j) => sum + value * y[j], 0));
}

function product(x: Matrix, y: Matrix): number[][] {
  return x.map((row) => y.map((_, j) => row.reduce((sum, value, k) => sum + value * y[k][j], 0)));
}

/** exp(A), by Taylor's series of A / 2ˢ squared s times. */
export function matrixExponential(a: Matrix): number[][] {
  const halvings = 12;
  const small = a.map((row) => row.map((value) => value / 2 ** halvings));
  let term: number[][] = small.map((row, i) => row.map((_, j) => (i === j ? 1 : 0)));
  let sum = term;
  for (let k = 1; k <= 8; k++) {
    term = product(term, small).map((row) => row.map((value) => value / k));
    sum = sum.map((row, i) => row.map((value, j) => value + term[i][j]));
  }
  for (let i = 0; i < halvings; i++) sum = product(sum, sum);
  return sum;
}
