/**
 * sin and cos of float32, four at a time, within 2 units in the last place.
 *
 * x = n ½ π + r with |r| ≤ ¼ π, the reduction in float64 and ½ π in two pieces (Cody and Waite, "Software Manual for the
 * Elementary Functions", 1980): r keeps its digits near the zeros of the functions, where n ½ π takes most of x away.
 * Coefficients by bench/peers/fit_elementary_functions.py.
 */
import type { Emit } from '../wasm/function-writer.ts';
import { simd } from '../wasm/simd-opcodes.ts';
import type { Lanes } from './lanes.ts';

/** (sin r − r) / r³ and (cos r − 1 + r² / 2) / r⁴, in powers of r². */
const sineTail = [-0.166666546, 0.0083321584, -0.000195149566];
const cosineTail = [0.0416666456, -0.00138873131, 2.44327858e-5];

/** ½ π in two pieces: products of the first, of 33 bits, with n up to 2²⁰ are exact. */
const halfPi = [1.5707963267341256, 6.077100506506192e-11];
/** Added to a small number, leaves it rounded to an integer in the low bits: 1.5 · 2⁵². */
const rounder = 6755399441055744;

/** Beyond this size the reduction is not exact; it is nowhere near n = 2²⁰. */
export const largestAngle = 1e6;

/** Where the vector code may not be used: NaN and infinity among them. */
export function tooLarge(v: Lanes, x: Emit): Emit {
  return v.unary(simd.not)(v.le(v.abs(x), v.splat(largestAngle)));
}

/** r and n of two of the numbers, as float64. */
function reduceTwo(wide: Lanes, x: Emit): { r: Emit; rounded: Emit } {
  const own = wide.let(wide.unary(simd.promoteLow)(x));
  const rounded = wide.let(wide.add(wide.mul(own, wide.splat(2 / Math.PI)), wide.splat(rounder)));
  const n = wide.let(wide.sub(rounded, wide.splat(rounder)));
  const [first, second] = halfPi.map((piece) => wide.mul(n, wide.splat(piece)));
  return { r: wide.sub(wide.sub(own, first), second), rounded };
}

/** Of two vectors, the low word of each number of 64 bits. */
const evenWords = [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27];

/** sin (x + turns · ½ π), for x that is not too large. */
function shifted(v: Lanes, wide: Lanes, x: Emit, turns: 0 | 1): Emit {
  const low = reduceTwo(wide, x);
  const high = reduceTwo(wide, v.upperHalf(x));
  const demote = v.unary(simd.demote);
  const r = v.let(v.lowHalves(demote(low.r), demote(high.r)));
  const count = v.shuffle(low.rounded, high.rounded, evenWords);
  const n = v.let(turns === 0 ? count : v.binary(simd.i32x4Add)(count, v.bits(turns)));
  const square = v.let(v.mul(r, r));
  const sine = v.madd(v.polynomial(square, sineTail), v.mul(square, r), r);
  const cosine = v.madd(
    v.madd(v.polynomial(square, cosineTail), square, v.splat(-0.5)),
    square,
    v.splat(1),
  );
  const odd = v.binary(simd.i32x4Eq)(v.and(n, v.bits(1)), v.bits(1));
  const value = v.select(odd, cosine, sine);
  const sign = v.shift(simd.i32x4Shl, v.and(n, v.bits(2)), 30);
  return v.xor(value, sign);
}

export function sin(v: Lanes, wide: Lanes, x: Emit): Emit {
  // minus zero stays what it is
  const sign = v.and(x, v.eq(x, v.splat(0)));
  return v.or(shifted(v, wide, x, 0), sign);
}

export function cos(v: Lanes, wide: Lanes, x: Emit): Emit {
  return shifted(v, wide, x, 1);
}
