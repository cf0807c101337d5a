/**
 * exp, expm1, tanh and sigmoid of float32, four at a time, within 2 units in the last place.
 *
 * exp x = 2ⁿ exp r with |r| ≤ ½ ln 2, after Cody and Waite ("Software Manual for the Elementary Functions", 1980); the
 * polynomials are those of Cephes (S. L. Moshier, expf.c and tanhf.c).
 */
import type { Emit } from '../wasm/function-writer.ts';
import { simd } from '../wasm/simd-opcodes.ts';
import type { Lanes } from './lanes.ts';

/** Added to a small number, leaves it rounded to an integer in the low bits: 1.5 · 2²³. */
const rounder = 12582912;

/** (exp r − 1 − r) / r². */
const expTail = [
  5.0000001201e-1, 1.6666665459e-1, 4.1665795894e-2, 8.3334519073e-3, 1.3981999507e-3,
  1.98756915e-4,
];

/** exp x in parts: exp r − 1, and n as an integer. */
function split(v: Lanes, x: Emit): { small: Emit; n: Emit } {
  const rounded = v.let(v.madd(x, v.splat(1.44269504088896341), v.splat(rounder)));
  const n = v.let(v.sub(rounded, v.splat(rounder)));
  // ln 2 in two pieces, so that the first product is exact
  const high = v.let(v.sub(x, v.mul(n, v.splat(0.693359375))));
  const r = v.let(v.sub(high, v.mul(n, v.splat(-2.1219444e-4))));
  const tail = v.polynomial(r, expTail);
  const small = v.let(v.madd(tail, v.mul(r, r), r));
  return { small, n: v.let(v.binary(simd.i32x4Sub)(rounded, v.splat(rounder))) };
}

function powerOfTwo(v: Lanes, n: Emit): Emit {
  return v.shift(simd.i32x4Shl, v.binary(simd.i32x4Add)(n, v.bits(127)), 23);
}

/** (1 + small) · 2ⁿ. Two factors: one alone would overflow below infinity, and not reach the subnormal numbers. */
function scale(v: Lanes, small: Emit, n: Emit): Emit {
  const half = v.let(v.shift(simd.i32x4ShrS, n, 1));
  const rest = v.binary(simd.i32x4Sub)(n, half);
  return v.mul(
    v.mul(v.add(small, v.splat(1)), powerOfTwo(v, half)),
    powerOfTwo(v, rest),
  );
}

/** Beyond these bounds float32 has only 0 and infinity; pmax and pmin keep NaN, given as the first operand. */
function clamp(v: Lanes, x: Emit): Emit {
  return v.let(v.pmin(v.pmax(x, v.splat(-104)), v.splat(89)));
}

export function exp(v: Lanes, x: Emit): Emit {
  const { small, n } = split(v, clamp(v, x));
  return scale(v, small, n);
}

/** exp of what is neither NaN nor above 0 nor below −87, where one factor of two serves. */
function expOfNegative(v: Lanes, x: Emit): Emit {
  const { small, n } = split(v, x);
  return v.mul(v.add(small, v.splat(1)), powerOfTwo(v, n));
}

export function expm1(v: Lanes, x: Emit): Emit {
  // below −80 there is nothing to tell from −1, and 2ⁿ alone would underflow
  const { small, n } = split(v, v.let(v.pmin(v.pmax(x, v.splat(-80)), v.splat(89))));
  const power = v.let(powerOfTwo(v, n));
  const near = v.madd(small, power, v.sub(power, v.splat(1)));
  // far above zero the 1 does not count, and 2ⁿ alone would overflow
  return v.select(v.lt(x, v.splat(64)), near, scale(v, small, n));
}

export function tanh(v: Lanes, x: Emit): Emit {
  const sign = v.let(v.and(x, v.bits(0x80000000)));
  const magnitude = v.let(v.xor(x, sign));
  // far from zero: 1 − 2 / (exp(2 |x|) + 1); pmin keeps NaN
  const bounded = v.let(v.pmin(magnitude, v.splat(10)));
  const e = expOfNegative(v, v.let(v.add(bounded, bounded)));
  const far = v.sub(v.splat(1), v.div(v.splat(2), v.add(e, v.splat(1))));
  // near zero that would cancel: an odd polynomial
  const z = v.let(v.mul(x, x));
  const odd = v.polynomial(
    z,
    [-3.33332819422e-1, 1.33314422036e-1, -5.37397155531e-2, 2.06390887954e-2, -5.70498872745e-3],
  );
  const near = v.madd(v.mul(odd, z), x, x);
  return v.select(v.lt(magnitude, v.splat(0.625)), near, v.or(far, sign));
}

export function sigmoid(v: Lanes, x: Emit): Emit {
  // exp of a negative number never overflows: e / (1 + e) on one side of zero, 1 / (1 + e) on the other
  const e = v.let(exp(v, v.let(v.neg(v.abs(x)))));
  const right = v.div(v.splat(1), v.add(v.splat(1), e));
  return v.mul(right, v.select(v.lt(x, v.splat(0)), e, v.splat(1)));
}
