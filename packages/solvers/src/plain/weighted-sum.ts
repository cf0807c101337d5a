/**
 * out = base + h Σⱼ wⱼ kⱼ over plain numbers, the one sum that a Runge-Kutta step is made of.
 *
 * Four terms a pass, so that a pass is one loop without an inner one: short states cost little overhead, long ones few
 * trips through memory.
 */

/** A row of a tableau without its zeros. */
export interface SparseRow {
  readonly weights: Float64Array;
  /** Which stages they weigh. */
  readonly stages: Int32Array;
}

export function sparseRow(row: readonly number[]): SparseRow {
  const places = row.flatMap((weight, stage) => (weight === 0 ? [] : [stage]));
  return {
    weights: Float64Array.from(places, (stage) => row[stage]),
    stages: Int32Array.from(places),
  };
}

/** Writes base + h Σ into `out`, which may be `base`. */
export function weightedSum(
  out: Float64Array,
  base: Float64Array,
  h: number,
  { weights, stages }: SparseRow,
  k: readonly Float64Array[],
): void {
  const terms = weights.length;
  if (terms === 0) {
    if (out !== base) out.set(base);
    return;
  }
  let from = base;
  for (let term = 0; term < terms; term += 4) {
    addTerms(out, from, h, weights, stages, k, term, Math.min(4, terms - term));
    from = out;
  }
}

function addTerms(
  out: Float64Array,
  base: Float64Array,
  h: number,
  weights: Float64Array,
  stages: Int32Array,
  k: readonly Float64Array[],
  at: number,
  count: number,
): void {
  const n = out.length;
  const a = h * weights[at];
  const ka = k[stages[at]];
  if (count === 1) {
    for (let i = 0; i < n; i++) out[i] = base[i] + a * ka[i];
    return;
  }
  const b = h * weights[at + 1];
  const kb = k[stages[at + 1]];
  if (count === 2) {
    for (let i = 0; i < n; i++) out[i] = base[i] + (a * ka[i] + b * kb[i]);
    return;
  }
  const c = h * weights[at + 2];
  const kc = k[stages[at + 2]];
  if (count === 3) {
    for (let i = 0; i < n; i++) out[i] = base[i] + (a * ka[i] + b * kb[i] + c * kc[i]);
    return;
  }
  const d = h * weights[at + 3];
  const kd = k[stages[at + 3]];
  for (let i = 0; i < n; i++) {
    out[i] = base[i] + (a * ka[i] + b * kb[i] + c * kc[i] + d * kd[i]);
  }
}
