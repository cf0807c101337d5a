/**
 * exp, expm1, tanh and sigmoid of float32, four at a time, within 2 units in the last place.
 *
 * exp x = 2ⁿ exp r with |r| ≤ ½ ln 2, after Cody and Waite ("Software Manual for the Elementary Functions", 1980); what
 * is left is a polynomial, fitted so that the largest relative error of exp r − 1 is least: 1.4e-8.
 */
import type { Emit } from '../wasm/function-writer.ts';
import { simd } from '../wasm/simd-opcodes.ts';
import type { Lanes } from './lanes.ts';

/** (exp r − 1 − r) / r². */
const expTail = [
  0.4999999701976776, 0.16666541993618011, 0.04166720435023308, 0.008366691879928112,
  0.0013882487546652555,
];

/** Added to a small number, leaves it rounded to an integer, plus the bias of an exponent, in the low bits: 1.5 · 2²³. */
const rounder = 12582912 + 127;

/** exp x in parts: exp r − 1, and `rounder` + n. */
function split(
  v: Lanes,
  x: Emit,
  logarithm: 'two pieces' | 'one piece' = 'two pieces',
): { small: Emit; rounded: Emit } {
  const rounded = v.let(v.madd(x, v.splat(Math.LOG2E), v.splat(rounder)));
  const n = v.let(v.sub(rounded, v.splat(rounder)));
  const less = (from: Emit, piece: number): Emit => v.let(v.madd(n, v.splat(-piece), from));
  // ln 2 in two pieces, so that the first product is exact; in one it is right to 3e-9, and n ln 2 to half a unit in its
  // last place, which does not show where exp x is only part of the result, and less of it the larger n is
  const r =
    logarithm === 'one piece'
      ? less(x, Math.fround(Math.LN2))
      : less(less(x, 0.693359375), -2.1219444e-4);
  const tail = v.polynomial(r, expTail);
  return { small: v.let(v.madd(tail, v.mul(r, r), r)), rounded };
}

/** 2ⁿ, for an n from −127 to 128: the shift leaves of `rounder` nothing but the bias. */
function powerOfTwo(v: Lanes, rounded: Emit): Emit {
  return v.let(v.shift(simd.i32x4Shl, rounded, 23));
}

/** (1 + small) · 2ⁿ. Two factors: one alone would overflow below infinity, and not reach the subnormal numbers. */
function scale(v: Lanes, small: Emit, rounded: Emit): Emit {
  const n = v.let(v.binary(simd.i32x4Sub)(rounded, v.splat(rounder)));
  const half = v.let(v.shift(simd.i32x4ShrS, n, 1));
  const power = (exponent: Emit): Emit =>
    v.shift(simd.i32x4Shl, v.binary(simd.i32x4Add)(exponent, v.bits(127)), 23);
  const rest = v.binary(simd.i32x4Sub)(n, half);
  return v.mul(v.mul(v.add(small, v.splat(1)), power(half)), power(rest));
}

/** pmax and pmin keep NaN, given as the first operand. */
function clamp(v: Lanes, x: Emit, low: number, high: number): Emit {
  return v.let(v.pmin(v.pmax(x, v.splat(low)), v.splat(high)));
}

/** Or-ed to a function of x that has its sign, leaves minus zero what it is. */
function signOf(v: Lanes, x: Emit): Emit {
  return v.and(x, v.bits(0x80000000));
}

/** Beyond these bounds float32 has only 0 and infinity. */
export function exp(v: Lanes, x: Emit): Emit {
  const { small, rounded } = split(v, clamp(v, x, -104, 89));
  return scale(v, small, rounded);
}

/** exp x − 1 = 2ⁿ (exp r − 1) + (2ⁿ − 1). */
function fromParts(v: Lanes, small: Emit, rounded: Emit): Emit {
  const power = powerOfTwo(v, rounded);
  return v.madd(small, power, v.sub(power, v.splat(1)));
}

/** @param largest what x is known not to exceed */
export function expm1(v: Lanes, x: Emit, largest = Number.POSITIVE_INFINITY): Emit {
  // below −80 there is nothing to tell from −1, and 2ⁿ alone would underflow
  const held = largest <= 64 ? v.let(v.pmax(x, v.splat(-80))) : clamp(v, x, -80, 89);
  const { small, rounded } = split(v, held, largest <= 0 ? 'one piece' : 'two pieces');
  const near = v.let(fromParts(v, small, rounded));
  // far above zero the 1 does not count, and 2ⁿ alone would overflow
  const value =
    largest <= 64 ? near : v.select(v.lt(x, v.splat(64)), near, scale(v, small, rounded));
  return v.or(value, signOf(v, x));
}

/** (tanh r − r) / r³ in powers of r², by bench/peers/fit_elementary_functions.py: tanh r is right to 7.5e-8. */
const tanhTail = [-0.333308686, 0.130951862];

/**
 * By the theorem of addition, with x = n ½ ln 2 + r and p = 2ⁿ: (p − 1 + (p + 1) tanh r) / (p + 1 + (p − 1) tanh r).
 * Nothing cancels, near zero or far from it, and few of its operations wait for each other.
 */
export function tanh(v: Lanes, x: Emit): Emit {
  const held = clamp(v, x, -9.1, 9.1);
  const rounded = v.let(v.madd(held, v.splat(2 * Math.LOG2E), v.splat(rounder)));
  const n = v.let(v.sub(rounded, v.splat(rounder)));
  const r = v.let(v.madd(n, v.splat(-Math.LN2 / 2), held));
  const square = v.let(v.mul(r, r));
  const small = v.let(v.madd(v.polynomial(square, tanhTail), v.mul(square, r), r));
  const power = powerOfTwo(v, rounded);
  const above = v.let(v.add(power, v.splat(1)));
  const below = v.let(v.sub(power, v.splat(1)));
  const value = v.div(v.madd(small, above, below), v.madd(small, below, above));
  return v.or(value, signOf(v, x));
}

export function sigmoid(v: Lanes, x: Emit): Emit {
  // exp of a negative number never overflows: e / (1 + e) on one side of zero, 1 / (1 + e) on the other
  const e = v.let(exp(v, v.let(v.neg(v.abs(x)))));
  const right = v.div(v.splat(1), v.add(v.splat(1), e));
  return v.mul(right, v.select(v.lt(x, v.splat(0)), e, v.splat(1)));
}
