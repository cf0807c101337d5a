/**
 * exp, tanh and sigmoid of float32, four at a time: the stock kernels take one at a time, ten times slower.
 * Polynomials from Cephes (S. L. Moshier, expf.c and tanhf.c); within 2 units in the last place. Needs SIMD.
 */

/** Added to a small number, leaves it rounded to an integer in the low bits: 1.5 · 2^23. */
const rounder: f32 = 12582912;

function expFour(given: v128): v128 {
  // beyond these bounds float32 has only 0 and infinity; pmax and pmin keep NaN, given as the first operand
  const x = f32x4.pmin(f32x4.pmax(given, f32x4.splat(-104)), f32x4.splat(89));
  const rounded = f32x4.add(f32x4.mul(x, f32x4.splat(1.44269504088896341)), f32x4.splat(rounder));
  const n = f32x4.sub(rounded, f32x4.splat(rounder));
  // x - n · ln 2, with ln 2 in two pieces so that the first product is exact
  let r = f32x4.sub(x, f32x4.mul(n, f32x4.splat(0.693359375)));
  r = f32x4.sub(r, f32x4.mul(n, f32x4.splat(-2.1219444e-4)));
  let p = f32x4.splat(1.98756915e-4);
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.3981999507e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(8.3334519073e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(4.1665795894e-2));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.6666665459e-1));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(5.0000001201e-1));
  p = f32x4.add(f32x4.mul(p, f32x4.mul(r, r)), f32x4.add(r, f32x4.splat(1)));
  // 2^n in two factors: one alone would overflow below infinity, and could not reach the subnormal numbers
  const whole = i32x4.sub(rounded, f32x4.splat(rounder));
  const half = i32x4.shr_s(whole, 1);
  return f32x4.mul(f32x4.mul(p, powerOfTwo(half)), powerOfTwo(i32x4.sub(whole, half)));
}

function powerOfTwo(n: v128): v128 {
  return i32x4.shl(i32x4.add(n, i32x4.splat(127)), 23);
}

class Exp {
  four(x: v128): v128 {
    return expFour(x);
  }
}

class Tanh {
  four(x: v128): v128 {
    const sign = v128.and(x, i32x4.splat(0x80000000));
    const magnitude = v128.xor(x, sign);
    // far from zero: 1 - 2 / (exp(2 |x|) + 1)
    const e = expFour(f32x4.add(magnitude, magnitude));
    const one = f32x4.splat(1);
    const far = f32x4.sub(one, f32x4.div(f32x4.splat(2), f32x4.add(e, one)));
    // near zero that would cancel: an odd polynomial
    const z = f32x4.mul(x, x);
    let p = f32x4.splat(-5.70498872745e-3);
    p = f32x4.add(f32x4.mul(p, z), f32x4.splat(2.06390887954e-2));
    p = f32x4.add(f32x4.mul(p, z), f32x4.splat(-5.37397155531e-2));
    p = f32x4.add(f32x4.mul(p, z), f32x4.splat(1.33314422036e-1));
    p = f32x4.add(f32x4.mul(p, z), f32x4.splat(-3.33332819422e-1));
    const near = f32x4.add(f32x4.mul(f32x4.mul(p, z), x), x);
    const isNear = f32x4.lt(magnitude, f32x4.splat(0.625));
    return v128.bitselect(near, v128.or(far, sign), isNear);
  }
}

class Sigmoid {
  // exp of a negative number never overflows: e / (1 + e) on one side of zero, 1 / (1 + e) on the other
  four(x: v128): v128 {
    const e = expFour(f32x4.neg(f32x4.abs(x)));
    const right = f32x4.div(f32x4.splat(1), f32x4.add(f32x4.splat(1), e));
    const isLeft = f32x4.lt(x, f32x4.splat(0));
    return f32x4.mul(right, v128.bitselect(e, f32x4.splat(1), isLeft));
  }
}

function each<Operation>(x: usize, out: usize, count: usize): void {
  const operation = changetype<Operation>(0);
  let i: usize = 0;
  for (; i + 4 <= count; i += 4) v128.store(out + i * 4, operation.four(v128.load(x + i * 4)));
  for (; i < count; i++) {
    const four = operation.four(v128.load_splat<f32>(x + i * 4));
    store<f32>(out + i * 4, f32x4.extract_lane(four, 0));
  }
}

export function exp(x: usize, out: usize, count: usize): void {
  each<Exp>(x, out, count);
}

export function tanh(x: usize, out: usize, count: usize): void {
  each<Tanh>(x, out, count);
}

export function sigmoid(x: usize, out: usize, count: usize): void {
  each<Sigmoid>(x, out, count);
}
