/**
 * A product of small float32 matrices, [m, k] × [k, n]. XNNPACK is faster once there is work enough to pay for its
 * set-up (packing the right matrix, several calls); a small layer of a vector field is done before that.
 */

/** One row of the result from column `j` on, one number at a time. */
function restOfRow(a: usize, b: usize, out: usize, k: usize, n: usize, from: usize): void {
  for (let j = from; j < n; j++) {
    let total: f32 = 0;
    for (let p: usize = 0; p < k; p++)
      total += load<f32>(a + p * 4) * load<f32>(b + (p * n + j) * 4);
    store<f32>(out + j * 4, total);
  }
}

export function smallMatMul(a: usize, b: usize, out: usize, m: usize, k: usize, n: usize): void {
  for (let i: usize = 0; i < m; i++) {
    let j: usize = 0;
    if (ASC_FEATURE_SIMD) {
      for (; j + 8 <= n; j += 8) {
        let low = f32x4.splat(0);
        let high = f32x4.splat(0);
        let column = b + j * 4;
        for (let p: usize = 0; p < k; p++) {
          const left = v128.load_splat<f32>(a + p * 4);
          low = f32x4.add(low, f32x4.mul(left, v128.load(column)));
          high = f32x4.add(high, f32x4.mul(left, v128.load(column, 16)));
          column += n * 4;
        }
        v128.store(out + j * 4, low);
        v128.store(out + j * 4, high, 16);
      }
      for (; j + 4 <= n; j += 4) {
        let total = f32x4.splat(0);
        let column = b + j * 4;
        for (let p: usize = 0; p < k; p++) {
          total = f32x4.add(total, f32x4.mul(v128.load_splat<f32>(a + p * 4), v128.load(column)));
          column += n * 4;
        }
        v128.store(out + j * 4, total);
      }
    }
    restOfRow(a, b, out, k, n, j);
    a += k * 4;
    out += n * 4;
  }
}
