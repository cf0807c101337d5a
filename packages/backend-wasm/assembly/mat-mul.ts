/**
 * A product of small float32 matrices, [m, k] × [k, n]. XNNPACK is faster once there is work enough to pay for its
 * set-up (packing the right matrix, several calls); a small layer of a vector field is done before that.
 */

/** Eight neighbouring columns of the result. */
function eightColumns(a: usize, b: usize, out: usize, m: usize, k: usize, n: usize): void {
  for (let i: usize = 0; i < m; i++) {
    let low = f32x4.splat(0);
    let high = f32x4.splat(0);
    let row = b;
    for (let p: usize = 0; p < k; p++) {
      const left = v128.load_splat<f32>(a + p * 4);
      low = f32x4.add(low, f32x4.mul(left, v128.load(row)));
      high = f32x4.add(high, f32x4.mul(left, v128.load(row, 16)));
      row += n * 4;
    }
    v128.store(out, low);
    v128.store(out, high, 16);
    a += k * 4;
    out += n * 4;
  }
}

/** Four neighbouring columns. */
function fourColumns(a: usize, b: usize, out: usize, m: usize, k: usize, n: usize): void {
  for (let i: usize = 0; i < m; i++) {
    let total = f32x4.splat(0);
    let row = b;
    for (let p: usize = 0; p < k; p++) {
      total = f32x4.add(total, f32x4.mul(v128.load_splat<f32>(a + p * 4), v128.load(row)));
      row += n * 4;
    }
    v128.store(out, total);
    a += k * 4;
    out += n * 4;
  }
}

/** One column. Four rows go side by side: one sum alone would wait for each addition to end. */
function oneColumn(a: usize, b: usize, out: usize, m: usize, k: usize, n: usize): void {
  let i: usize = 0;
  for (; i + 4 <= m; i += 4) {
    let first: f32 = 0;
    let second: f32 = 0;
    let third: f32 = 0;
    let fourth: f32 = 0;
    for (let p: usize = 0; p < k; p++) {
      const right = load<f32>(b + p * n * 4);
      const left = a + p * 4;
      first += load<f32>(left) * right;
      second += load<f32>(left + k * 4) * right;
      third += load<f32>(left + k * 8) * right;
      fourth += load<f32>(left + k * 12) * right;
    }
    store<f32>(out, first);
    store<f32>(out + n * 4, second);
    store<f32>(out + n * 8, third);
    store<f32>(out + n * 12, fourth);
    a += k * 16;
    out += n * 16;
  }
  for (; i < m; i++) {
    let total: f32 = 0;
    for (let p: usize = 0; p < k; p++) total += load<f32>(a + p * 4) * load<f32>(b + p * n * 4);
    store<f32>(out, total);
    a += k * 4;
    out += n * 4;
  }
}

export function smallMatMul(a: usize, b: usize, out: usize, m: usize, k: usize, n: usize): void {
  let j: usize = 0;
  if (ASC_FEATURE_SIMD) {
    for (; j + 8 <= n; j += 8) eightColumns(a, b + j * 4, out + j * 4, m, k, n);
    for (; j + 4 <= n; j += 4) fourColumns(a, b + j * 4, out + j * 4, m, k, n);
  }
  for (; j < n; j++) oneColumn(a, b + j * 4, out + j * 4, m, k, n);
}
