/**
 * exp, expm1, tanh and sigmoid, a vector at a time, within 2 units in the last place.
 *
 * exp x = 2ⁿ exp r with |r| ≤ ½ ln 2, after Cody and Waite ("Software Manual for the Elementary Functions", 1980); what
 * is left is a polynomial whose largest relative error is least: 1.4e-8 of exp r − 1 in float32, 2e-17 in float64.
 */
import type { Emit } from '../wasm/function-writer.ts';
import type { Lanes } from './lanes.ts';

/** What differs between the two formats. The last two lists are by bench/peers/fit_elementary_functions.py. */
interface Format {
  readonly mantissaBits: number;
  readonly bias: number;
  /** Added to a small number, leaves it rounded to an integer, plus the bias of an exponent, in the low bits. */
  readonly rounder: number;
  /** ln 2 in two pieces, so that the first product is exact. */
  readonly ln2: readonly [number, number];
  /**
   * ln 2 as good as it is needed where exp x is only part of the result, and less of it the larger n is: in float32, one
   * piece is right to 3e-9, and n ln 2 to half a unit in its last place, which does not show.
   */
  readonly shortLn2: readonly number[];
  /** Beyond these bounds exp has only 0 and infinity. */
  readonly exp: readonly [number, number];
  /** Below the first, expm1 is −1; above the second, it is exp. */
  readonly expm1: readonly [number, number];
  /** Beyond this, tanh is ±1. */
  readonly tanh: number;
  /** (exp r − 1 − r) / r², for |r| ≤ ½ ln 2. */
  readonly expTail: readonly number[];
  /** (tanh r − r) / r³ in powers of r², for |r| ≤ ¼ ln 2. */
  readonly tanhTail: readonly number[];
}

const formats: Readonly<Record<Lanes['dtype'], Format>> = {
  float32: {
    mantissaBits: 23,
    bias: 127,
    rounder: 1.5 * 2 ** 23 + 127,
    ln2: [0.693359375, -2.1219444e-4],
    shortLn2: [Math.fround(Math.LN2)],
    exp: [-104, 89],
    expm1: [-80, 64],
    tanh: 9.1,
    expTail: [
      0.4999999701976776, 0.16666541993618011, 0.04166720435023308, 0.008366691879928112,
      0.0013882487546652555,
    ],
    tanhTail: [-0.333308686, 0.130951862],
  },
  float64: {
    mantissaBits: 52,
    bias: 1023,
    rounder: 1.5 * 2 ** 52 + 1023,
    ln2: [0.6931471803691238, 1.9082149292705877e-10],
    shortLn2: [0.6931471803691238, 1.9082149292705877e-10],
    exp: [-746, 710],
    expm1: [-80, 64],
    tanh: 19.1,
    expTail: [
      0.5000000000000006, 0.16666666666666685, 0.04166666666657333, 0.008333333333314527,
      0.001388888893248307, 0.0001984126990319109, 2.4801504313471265e-5, 2.755722779379419e-6,
      2.7626381714126947e-7, 2.5114528419069172e-8,
    ],
    tanhTail: [
      -0.33333333333331705, 0.13333333332482372, -0.05396825237722317, 0.02186934605752927,
      -0.008856610729504324, 0.0034373708626984608,
    ],
  },
};

/** `rounder` + n, and r = x − n · (the sum of `pieces`). */
function reduce(v: Lanes, x: Emit, pieces: readonly number[]): { r: Emit; rounded: Emit } {
  const { rounder } = formats[v.dtype];
  const step = pieces.reduce((sum, piece) => sum + piece);
  const rounded = v.let(v.madd(x, v.splat(1 / step), v.splat(rounder)));
  const n = v.let(v.sub(rounded, v.splat(rounder)));
  const r = pieces.reduce((from, piece) => v.let(v.madd(n, v.splat(-piece), from)), x);
  return { r, rounded };
}

/** exp x in parts: exp r − 1, and `rounder` + n. */
function split(v: Lanes, x: Emit, ln2 = formats[v.dtype].ln2 as readonly number[]) {
  const { r, rounded } = reduce(v, x, ln2);
  const tail = v.polynomial(r, formats[v.dtype].expTail);
  return { small: v.let(v.madd(tail, v.mul(r, r), r)), rounded };
}

/** 2ⁿ, for an n from −bias to bias + 1: the shift leaves of `rounder` nothing but the bias. */
function powerOfTwo(v: Lanes, rounded: Emit): Emit {
  return v.let(v.shiftLeft(rounded, formats[v.dtype].mantissaBits));
}

/** (1 + small) · 2ⁿ. Two factors: one alone would overflow below infinity, and not reach the subnormal numbers. */
function scale(v: Lanes, small: Emit, rounded: Emit): Emit {
  const { rounder, bias, mantissaBits } = formats[v.dtype];
  const n = v.let(v.subIntegers(rounded, v.splat(rounder)));
  const half = v.let(v.shiftRight(n, 1));
  const power = (exponent: Emit): Emit =>
    v.shiftLeft(v.addIntegers(exponent, v.integer(bias)), mantissaBits);
  const rest = v.subIntegers(n, half);
  return v.mul(v.mul(v.add(small, v.splat(1)), power(half)), power(rest));
}

/** pmax and pmin keep NaN, given as the first operand. */
function clamp(v: Lanes, x: Emit, low: number, high: number): Emit {
  return v.let(v.pmin(v.pmax(x, v.splat(low)), v.splat(high)));
}

/** Or-ed to a function of x that has its sign, leaves minus zero what it is. */
function signOf(v: Lanes, x: Emit): Emit {
  return v.and(x, v.splat(-0));
}

export function exp(v: Lanes, x: Emit): Emit {
  const { small, rounded } = split(v, clamp(v, x, ...formats[v.dtype].exp));
  return scale(v, small, rounded);
}

/** exp x − 1 = 2ⁿ (exp r − 1) + (2ⁿ − 1). */
function fromParts(v: Lanes, small: Emit, rounded: Emit): Emit {
  const power = powerOfTwo(v, rounded);
  return v.madd(small, power, v.sub(power, v.splat(1)));
}

/** @param largest what x is known not to exceed */
export function expm1(v: Lanes, x: Emit, largest = Number.POSITIVE_INFINITY): Emit {
  const { expm1: bounds, exp: ends, ln2, shortLn2 } = formats[v.dtype];
  const [lowest, large] = bounds;
  // below the lowest there is nothing to tell from −1, and 2ⁿ alone would underflow
  const held = largest <= large ? v.let(v.pmax(x, v.splat(lowest))) : clamp(v, x, lowest, ends[1]);
  const { small, rounded } = split(v, held, largest <= 0 ? shortLn2 : ln2);
  const near = v.let(fromParts(v, small, rounded));
  // far above zero the 1 does not count, and 2ⁿ alone would overflow
  const value =
    largest <= large ? near : v.select(v.lt(x, v.splat(large)), near, scale(v, small, rounded));
  return v.or(value, signOf(v, x));
}

/**
 * By the theorem of addition, with x = n ½ ln 2 + r and p = 2ⁿ: (p − 1 + (p + 1) tanh r) / (p + 1 + (p − 1) tanh r).
 * Nothing cancels, near zero or far from it, and few of its operations wait for each other.
 */
export function tanh(v: Lanes, x: Emit): Emit {
  const { tanh: bound, shortLn2, tanhTail } = formats[v.dtype];
  const held = clamp(v, x, -bound, bound);
  const halves = shortLn2.map((piece) => piece / 2);
  const { r, rounded } = reduce(v, held, halves);
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
