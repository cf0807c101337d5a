/**
 * log and log1p of float32, four at a time, within 2 units in the last place.
 *
 * With x = 2ᵉ (1 + f), 1 + f from √½ to √2, and s = f / (2 + f): log(1 + f) = 2 artanh s, written as f less what is
 * smaller, so that little is lost; after fdlibm's e_log.c (Sun Microsystems, 1993). Coefficients by
 * bench/peers/fit_elementary_functions.py.
 */
import type { Emit } from '../wasm/function-writer.ts';
import { simd } from '../wasm/simd-opcodes.ts';
import type { Lanes } from './lanes.ts';

/** (2 artanh s − 2 s) / s³ in powers of s². */
const artanhTail = [0.666667764, 0.399775282, 0.298722803];
/** ln 2 in two pieces: a product of the first and an exponent is exact. */
const ln2 = [0.693145751953125, 1.428606765330187e-6];
const bitsOfOne = 0x3f800000;
const bitsOfRootHalf = 0x3f3504f3;
const smallestNormal = 2 ** -126;

/** e, as a number, and f. */
function split(v: Lanes, x: Emit): { exponent: Emit; f: Emit } {
  // counted from √½, the exponent's bits change where the sign of f is to
  const bits = v.let(v.binary(simd.i32x4Add)(x, v.bits(bitsOfOne - bitsOfRootHalf)));
  const exponent = v.binary(simd.i32x4Sub)(v.shift(simd.i32x4ShrS, bits, 23), v.bits(127));
  const mantissa = v.and(bits, v.bits(0x7fffff));
  const one = v.binary(simd.i32x4Add)(mantissa, v.bits(bitsOfRootHalf));
  return {
    exponent: v.let(v.unary(simd.convertInt32)(exponent)),
    f: v.let(v.sub(one, v.splat(1))),
  };
}

/** e ln 2 + log(1 + f) + rest, for a rest that is small beside f. */
function combine(v: Lanes, exponent: Emit, f: Emit, rest?: Emit): Emit {
  const s = v.let(v.div(f, v.add(f, v.splat(2))));
  const square = v.let(v.mul(s, s));
  const half = v.let(v.mul(v.mul(f, v.splat(0.5)), f));
  const tail = v.mul(square, v.polynomial(square, artanhTail));
  const inner = v.mul(s, v.add(half, tail));
  const low = v.madd(exponent, v.splat(ln2[1]), rest === undefined ? inner : v.add(inner, rest));
  return v.madd(exponent, v.splat(ln2[0]), v.sub(f, v.sub(half, low)));
}

/** What IEEE 754 asks for at the ends: −∞ at zero, NaN below it, infinity and NaN as they are. */
function ends(v: Lanes, x: Emit, u: Emit, value: Emit): Emit {
  const finite = v.select(v.lt(u, v.splat(Number.POSITIVE_INFINITY)), value, x);
  const zero = v.splat(0);
  const pole = v.select(v.eq(u, zero), v.splat(Number.NEGATIVE_INFINITY), finite);
  return v.or(pole, v.lt(u, zero));
}

export function log(v: Lanes, x: Emit): Emit {
  const subnormal = v.let(v.lt(x, v.splat(smallestNormal)));
  const scaled = v.let(v.select(subnormal, v.mul(x, v.splat(2 ** 23)), x));
  const { exponent, f } = split(v, scaled);
  const own = v.let(v.sub(exponent, v.and(subnormal, v.splat(23))));
  return ends(v, x, x, combine(v, own, f));
}

/** What 1 + x rounds away, over the rounded sum, is added to its logarithm. */
export function log1p(v: Lanes, x: Emit): Emit {
  const one = v.splat(1);
  const u = v.let(v.add(x, one));
  const { exponent, f } = split(v, u);
  const lost = v.sub(v.min(x, one), v.sub(u, v.max(x, one)));
  const value = combine(v, exponent, f, v.div(lost, u));
  // minus zero stays what it is
  return v.or(ends(v, x, u, value), v.and(x, v.bits(0x80000000)));
}
