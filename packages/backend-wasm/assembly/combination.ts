/**
 * Σ wᵢ xᵢ in one pass, and scatterAdd: what solvers and the adjoint of `gather` are made of.
 *
 * `terms` is a list in memory of (address: u32, weight: f32) pairs.
 */

export function linearCombination(terms: usize, termCount: usize, out: usize, count: usize): void {
  const end = terms + termCount * 8;
  let i: usize = 0;
  if (ASC_FEATURE_SIMD) {
    for (; i + 8 <= count; i += 8) {
      let low = f32x4.splat(0);
      let high = f32x4.splat(0);
      for (let term = terms; term < end; term += 8) {
        const x = <usize>load<u32>(term) + i * 4;
        const weight = v128.load_splat<f32>(term + 4);
        low = f32x4.add(low, f32x4.mul(weight, v128.load(x)));
        high = f32x4.add(high, f32x4.mul(weight, v128.load(x + 16)));
      }
      v128.store(out + i * 4, low);
      v128.store(out + i * 4 + 16, high);
    }
  }
  for (; i < count; i++) {
    let total: f32 = 0;
    for (let term = terms; term < end; term += 8) {
      total += load<f32>(term + 4) * load<f32>(<usize>load<u32>(term) + i * 4);
    }
    store<f32>(out + i * 4, total);
  }
}

/** x is [outer, extent, inner]; `sums`, zeroed, is [outer, size, inner] in float64, rounded once at the end. */
export function scatterAdd(
  x: usize,
  indices: usize,
  sums: usize,
  out: usize,
  outer: usize,
  extent: usize,
  size: usize,
  inner: usize,
): void {
  for (let o: usize = 0; o < outer; o++) {
    for (let e: usize = 0; e < extent; e++) {
      const to = sums + (o * size + <usize>load<u32>(indices + e * 4)) * inner * 8;
      for (let i: usize = 0; i < inner; i++) {
        store<f64>(to + i * 8, load<f64>(to + i * 8) + <f64>load<f32>(x + i * 4));
      }
      x += inner * 4;
    }
  }
  const count = outer * size * inner;
  for (let i: usize = 0; i < count; i++) store<f32>(out + i * 4, <f32>load<f64>(sums + i * 8));
}
