/**
 * Sum, max and argMax over the middle axis of [outer, extent, inner], where they lie: no transpose first.
 *
 * Sums are gathered in float64 and rounded once. The stock kernel adds in float32 one after the other, and is 1 % off
 * over a million numbers.
 */

/** One row of neighbouring numbers. */
function sumRow(x: usize, count: usize): f64 {
  let i: usize = 0;
  let total: f64 = 0;
  if (ASC_FEATURE_SIMD) {
    let low = f64x2.splat(0);
    let high = f64x2.splat(0);
    for (; i + 4 <= count; i += 4) {
      const four = v128.load(x + i * 4);
      low = f64x2.add(low, f64x2.promote_low_f32x4(four));
      high = f64x2.add(
        high,
        f64x2.promote_low_f32x4(
          i8x16.shuffle(four, four, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7),
        ),
      );
    }
    const both = f64x2.add(low, high);
    total = f64x2.extract_lane(both, 0) + f64x2.extract_lane(both, 1);
  }
  for (; i < count; i++) total += <f64>load<f32>(x + i * 4);
  return total;
}

/** One column of numbers that lie `step` bytes apart. */
function sumColumn(x: usize, count: usize, step: usize): f64 {
  let total: f64 = 0;
  for (let i: usize = 0; i < count; i++) total += <f64>load<f32>(x + i * step);
  return total;
}

/** Four neighbouring columns. */
function sumFourColumns(x: usize, count: usize, step: usize, out: usize): void {
  let low = f64x2.splat(0);
  let high = f64x2.splat(0);
  for (let i: usize = 0; i < count; i++) {
    low = f64x2.add(low, f64x2.promote_low_f32x4(v128.load64_zero(x)));
    high = f64x2.add(high, f64x2.promote_low_f32x4(v128.load64_zero(x + 8)));
    x += step;
  }
  v128.store64_lane(out, f32x4.demote_f64x2_zero(low), 0);
  v128.store64_lane(out + 8, f32x4.demote_f64x2_zero(high), 0);
}

export function sum(x: usize, out: usize, outer: usize, extent: usize, inner: usize): void {
  const step = inner * 4;
  for (let o: usize = 0; o < outer; o++) {
    let i: usize = 0;
    if (inner == 1) {
      store<f32>(out, <f32>sumRow(x, extent));
      i = 1;
    } else if (ASC_FEATURE_SIMD) {
      for (; i + 4 <= inner; i += 4) sumFourColumns(x + i * 4, extent, step, out + i * 4);
    }
    for (; i < inner; i++) store<f32>(out + i * 4, <f32>sumColumn(x + i * 4, extent, step));
    x += extent * step;
    out += step;
  }
}

export function sumInt(x: usize, out: usize, outer: usize, extent: usize, inner: usize): void {
  for (let o: usize = 0; o < outer; o++) {
    for (let i: usize = 0; i < inner; i++) {
      let total: i32 = 0;
      for (let e: usize = 0; e < extent; e++) total += load<i32>(x + (e * inner + i) * 4);
      store<i32>(out + i * 4, total);
    }
    x += extent * inner * 4;
    out += inner * 4;
  }
}

/** Index of the first largest; NaN counts as largest. */
function largest<T>(x: usize, extent: usize, step: usize): usize {
  let index: usize = 0;
  let best = load<T>(x);
  for (let e: usize = 1; e < extent; e++) {
    // only NaN differs from itself
    if (best != best) break;
    const value = load<T>(x + e * step);
    if (value > best || value != value) {
      best = value;
      index = e;
    }
  }
  return index;
}

function maxOf<T>(x: usize, out: usize, outer: usize, extent: usize, inner: usize): void {
  const step = inner * sizeof<T>();
  for (let o: usize = 0; o < outer; o++) {
    for (let i: usize = 0; i < inner; i++) {
      const column = x + i * sizeof<T>();
      store<T>(out + i * sizeof<T>(), load<T>(column + largest<T>(column, extent, step) * step));
    }
    x += extent * step;
    out += step;
  }
}

function argMaxOf<T>(x: usize, out: usize, outer: usize, extent: usize, inner: usize): void {
  const step = inner * sizeof<T>();
  for (let o: usize = 0; o < outer; o++) {
    for (let i: usize = 0; i < inner; i++) {
      store<i32>(out + i * 4, <i32>largest<T>(x + i * sizeof<T>(), extent, step));
    }
    x += extent * step;
    out += inner * 4;
  }
}

export function maxFloat(x: usize, out: usize, outer: usize, extent: usize, inner: usize): void {
  maxOf<f32>(x, out, outer, extent, inner);
}

export function maxInt(x: usize, out: usize, outer: usize, extent: usize, inner: usize): void {
  maxOf<i32>(x, out, outer, extent, inner);
}

export function maxByte(x: usize, out: usize, outer: usize, extent: usize, inner: usize): void {
  maxOf<u8>(x, out, outer, extent, inner);
}

export function argMaxFloat(x: usize, out: usize, outer: usize, extent: usize, inner: usize): void {
  argMaxOf<f32>(x, out, outer, extent, inner);
}

export function argMaxInt(x: usize, out: usize, outer: usize, extent: usize, inner: usize): void {
  argMaxOf<i32>(x, out, outer, extent, inner);
}

export function argMaxByte(x: usize, out: usize, outer: usize, extent: usize, inner: usize): void {
  argMaxOf<u8>(x, out, outer, extent, inner);
}
