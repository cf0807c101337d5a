/**
 * Dense LU factorisation with partial pivoting, in float64 on the host (Golub, Van Loan, "Matrix Computations",
 * algorithm 3.4.1). Small enough to own: it is all the linear algebra that the implicit methods need.
 */

/** P A = L U in one array, row by row, with the order of the rows. */
export interface Lu {
  readonly size: number;
  readonly factors: Float64Array;
  readonly rows: Int32Array;
  /** Whether a pivot is zero or not finite: then every solution is NaN. */
  readonly singular: boolean;
}

/** The row at or below `column` whose element there is largest. */
function pivotRow(factors: Float64Array, size: number, column: number): number {
  let best = column;
  for (let row = column + 1; row < size; row++) {
    const challenger = Math.abs(factors[row * size + column]);
    if (challenger > Math.abs(factors[best * size + column])) best = row;
  }
  return best;
}

function swapRows(factors: Float64Array, size: number, a: number, b: number): void {
  for (let i = 0; i < size; i++) {
    const kept = factors[a * size + i];
    factors[a * size + i] = factors[b * size + i];
    factors[b * size + i] = kept;
  }
}

/** Factorises the `size` × `size` matrix `elements`, which stays as it is. */
export function factorise(elements: ArrayLike<number>, size: number): Lu {
  const factors = Float64Array.from(elements);
  const rows = Int32Array.from({ length: size }, (_, i) => i);
  for (let k = 0; k < size; k++) {
    const best = pivotRow(factors, size, k);
    const pivot = factors[best * size + k];
    if (pivot === 0 || !Number.isFinite(pivot)) return { size, factors, rows, singular: true };
    if (best !== k) {
      swapRows(factors, size, k, best);
      [rows[k], rows[best]] = [rows[best], rows[k]];
    }
    for (let row = k + 1; row < size; row++) {
      const multiplier = factors[row * size + k] / pivot;
      factors[row * size + k] = multiplier;
      if (multiplier === 0) continue;
      for (let i = k + 1; i < size; i++) {
        factors[row * size + i] -= multiplier * factors[k * size + i];
      }
    }
  }
  return { size, factors, rows, singular: false };
}

/** x with A x = b. */
export function solveLu({ size, factors, rows, singular }: Lu, b: ArrayLike<number>): Float64Array {
  const x = new Float64Array(size);
  if (singular) return x.fill(Number.NaN);
  for (let i = 0; i < size; i++) {
    let sum = b[rows[i]];
    for (let j = 0; j < i; j++) sum -= factors[i * size + j] * x[j];
    x[i] = sum;
  }
  for (let i = size - 1; i >= 0; i--) {
    let sum = x[i];
    for (let j = i + 1; j < size; j++) sum -= factors[i * size + j] * x[j];
    x[i] = sum / factors[i * size + i];
  }
  return x;
}

/** x with Aᵀ x = b. */
export function solveLuTransposed(
  { size, factors, rows, singular }: Lu,
  b: ArrayLike<number>,
): Float64Array {
  const x = new Float64Array(size);
  if (singular) return x.fill(Number.NaN);
  const y = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    let sum = b[i];
    for (let j = 0; j < i; j++) sum -= factors[j * size + i] * y[j];
    y[i] = sum / factors[i * size + i];
  }
  for (let i = size - 1; i >= 0; i--) {
    let sum = y[i];
    for (let j = i + 1; j < size; j++) sum -= factors[j * size + i] * x[rows[j]];
    x[rows[i]] = sum;
  }
  return x;
}
