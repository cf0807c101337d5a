/**
 * log and log1p, a vector at a time, within 2 units in the last place.
 *
 * With x = 2ᵉ (1 + f), 1 + f from √½ to √2, and s = f / (2 + f): log(1 + f) = 2 artanh s, written as f less what is
 * smaller, so that little is lost; after fdlibm's e_log.c (Sun Microsystems, 1993).
 */
import type { Emit } from '../wasm/function-writer.ts';
import type { Lanes } from './lanes.ts';

/** What differs between the two formats. */
interface Format {
  readonly mantissaBits: number;
  readonly bias: number;
  readonly smallestNormal: number;
  /** (2 artanh s − 2 s) / s³ in powers of s², by bench/peers/fit_elementary_functions.py. */
  readonly artanhTail: readonly number[];
  /** ln 2 in two pieces: a product of the first and an exponent is exact. */
  readonly ln2: readonly [number, number];
}

const formats: Readonly<Record<Lanes['dtype'], Format>> = {
  float32: {
    mantissaBits: 23,
    bias: 127,
    smallestNormal: 2 ** -126,
    artanhTail: [0.666667764, 0.399775282, 0.298722803],
    ln2: [0.693145751953125, 1.428606765330187e-6],
  },
  float64: {
    mantissaBits: 52,
    bias: 1023,
    smallestNormal: 2 ** -1022,
    artanhTail: [
      0.6666666666666735, 0.3999999999941281, 0.28571428742885335, 0.22222198514127298,
      0.18183567790210828, 0.1531395227000603, 0.14797025739514447,
    ],
    ln2: [0.6931471803691238, 1.9082149292705877e-10],
  },
};

/** e, as a number, and f. */
function split(v: Lanes, x: Emit): { exponent: Emit; f: Emit } {
  const { mantissaBits, bias } = formats[v.dtype];
  // counted from √½, the bits of the exponent change where the sign of f is to
  const fromRoot = v.integer((2 - 2 * rootHalf(v)) * 2 ** mantissaBits);
  const bits = v.let(v.addIntegers(x, fromRoot));
  // an integer as the low bits of a number whose last place is one
  const unit = 2 ** mantissaBits;
  const biased = v.or(v.shiftRightUnsigned(bits, mantissaBits), v.splat(unit));
  const mantissa = v.and(bits, v.integer(2 ** mantissaBits - 1));
  return {
    exponent: v.let(v.sub(biased, v.splat(unit + bias))),
    f: v.let(v.sub(v.addIntegers(mantissa, v.splat(Math.SQRT1_2)), v.splat(1))),
  };
}

function rootHalf(v: Lanes): number {
  return v.dtype === 'float32' ? Math.fround(Math.SQRT1_2) : Math.SQRT1_2;
}

/** e ln 2 + log(1 + f) + rest, for a rest that is small beside f. */
function combine(v: Lanes, exponent: Emit, f: Emit, rest?: Emit): Emit {
  const { artanhTail, ln2 } = formats[v.dtype];
  const s = v.let(v.div(f, v.add(f, v.splat(2))));
  const square = v.let(v.mul(s, s));
  const half = v.let(v.mul(v.mul(f, v.splat(0.5)), f));
  const tail = v.mul(square, v.polynomial(square, artanhTail));
  const inner = v.mul(s, v.add(half, tail));
  const low = v.madd(exponent, v.splat(ln2[1]), rest === undefined ? inner : v.add(inner, rest));
  return v.madd(exponent, v.splat(ln2[0]), v.sub(f, v.sub(half, low)));
}

/** What IEEE 754 asks for at the ends: −∞ where u is zero, NaN below it, infinity and NaN as they are. */
function ends(v: Lanes, x: Emit, u: Emit, value: Emit): Emit {
  const finite = v.select(v.lt(u, v.splat(Number.POSITIVE_INFINITY)), value, x);
  const zero = v.splat(0);
  const pole = v.select(v.eq(u, zero), v.splat(Number.NEGATIVE_INFINITY), finite);
  return v.or(pole, v.lt(u, zero));
}

export function log(v: Lanes, x: Emit): Emit {
  const { smallestNormal, mantissaBits } = formats[v.dtype];
  const subnormal = v.let(v.lt(x, v.splat(smallestNormal)));
  const scaled = v.let(v.select(subnormal, v.mul(x, v.splat(2 ** mantissaBits)), x));
  const { exponent, f } = split(v, scaled);
  const own = v.let(v.sub(exponent, v.and(subnormal, v.splat(mantissaBits))));
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
  return v.or(ends(v, x, u, value), v.and(x, v.splat(-0)));
}
