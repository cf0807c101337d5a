/**
 * exp, expm1, tanh, sigmoid and elu, a vector at a time, within 2 units in the last place.
 *
 * exp x = 2ⁿ exp r with |r| ≤ ½ ln 2, after Cody and Waite ("Software Manual for the Elementary Functions", 1980); what
 * is left is a polynomial whose largest error is least: 1.4e-8 of exp r − 1 in float32, 2e-17 in float64.
 */
import type { Emit } from '../wasm/function-writer.ts';
import type { Lanes } from './lanes.ts';

/** What differs between the two formats. The last two lists are by bench/peers/fit_elementary_functions.py. */
interface Format {
  readonly mantissaBits: number;
  readonly bias: number;
  /** Added to a small number, leaves it rounded to an integer in the low bits. */
  readonly rounder: number;
  /** ln 2 in two pieces, so that the first product is exact. */
  readonly ln2: readonly [number, number];
  /**
   * ½ ln 2 as good as it is needed where exp x is only part of the result, and less of it the larger n is: in float32, one
   * piece is right to 1e-9, and a multiple of it to half a unit in its last place, which does not show.
   */
  readonly halfLn2: readonly number[];
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
    rounder: 1.5 * 2 ** 23,
    ln2: [0.693359375, -2.1219444e-4],
    halfLn2: [Math.fround(Math.LN2 / 2)],
    exp: [-104, 89],
    expm1: [-80, 64],
    tanh: 9.1,
    expTail: [0.500000006, 0.166665428, 0.0416662814, 0.0083666105, 0.00139464978],
    tanhTail: [-0.333308686, 0.130951862],
  },
  float64: {
    mantissaBits: 52,
    bias: 1023,
    rounder: 1.5 * 2 ** 52,
    ln2: [0.6931471803691238, 1.9082149292705877e-10],
    halfLn2: [0.3465735901845619, 9.541074646352939e-11],
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

/** r = x − n · (the sum of `pieces`), and `counted`: an n so large that the low bits are n and `biases` times the bias. */
function reduce(
  v: Lanes,
  x: Emit,
  pieces: readonly number[],
  biases = 1,
): { r: Emit; counted: Emit; zero: number } {
  const { rounder, bias } = formats[v.dtype];
  const zero = rounder + biases * bias;
  const step = pieces.reduce((sum, piece) => sum + piece);
  const counted = v.let(v.madd(x, v.splat(1 / step), v.splat(zero)));
  const n = v.let(v.sub(counted, v.splat(zero)));
  const r = pieces.reduce((from, piece) => v.let(v.madd(n, v.splat(-piece), from)), x);
  return { r, counted, zero };
}

/**
 * p exp r + c, for a power of two p, and a `start` that is p (1 + r) + c. Products with p are exact, so that only sums round: what
 * waits for the polynomial is one product and one sum.
 */
function scaledExp(v: Lanes, r: Emit, p: Emit, start: Emit): Emit {
  const square = v.let(v.mul(r, r));
  const tail = v.polynomial(r, formats[v.dtype].expTail, square);
  return v.let(v.madd(tail, v.mul(square, p), start));
}

/** tanh r. */
function smallTanh(v: Lanes, r: Emit): Emit {
  const square = v.let(v.mul(r, r));
  return v.let(v.madd(v.polynomial(square, formats[v.dtype].tanhTail), v.mul(square, r), r));
}

/** 2ⁿ, for an n from −bias to bias + 1: the shift leaves of `counted` nothing but n and the bias. */
function powerOfTwo(v: Lanes, counted: Emit): Emit {
  return v.let(v.shiftLeft(counted, formats[v.dtype].mantissaBits));
}

/** pmax and pmin keep NaN, given as the first operand. */
function clamp(v: Lanes, x: Emit, low: number, high: number): Emit {
  return v.let(v.pmin(v.pmax(x, v.splat(low)), v.splat(high)));
}

/** Or-ed to a function of x that has its sign, leaves minus zero what it is. */
function signOf(v: Lanes, x: Emit): Emit {
  return v.and(x, v.splat(-0));
}

/** By two powers of two: one alone would overflow below infinity, and not reach the subnormal numbers. */
export function exp(v: Lanes, x: Emit): Emit {
  const { exp: bounds, ln2 } = formats[v.dtype];
  const { r, counted } = reduce(v, clamp(v, x, ...bounds), ln2, 2);
  const half = v.let(v.shiftRightUnsigned(counted, 1));
  const power = powerOfTwo(v, half);
  const rest = v.subIntegers(counted, half);
  return v.mul(scaledExp(v, r, power, v.let(v.madd(r, power, power))), powerOfTwo(v, rest));
}

/** 2ⁿ (exp r − 1) + (2ⁿ − 1): exp x − 1, but that minus zero becomes zero; with what its power of two is. */
function nearExpm1(
  v: Lanes,
  x: Emit,
  pieces: readonly number[],
): { value: Emit; r: Emit; power: Emit } {
  const { r, counted } = reduce(v, x, pieces);
  const power = powerOfTwo(v, counted);
  const start = v.let(v.madd(r, power, v.sub(power, v.splat(1))));
  return { value: scaledExp(v, r, power, start), r, power };
}

export function expm1(v: Lanes, x: Emit): Emit {
  const { expm1: bounds, exp: ends, ln2, mantissaBits } = formats[v.dtype];
  const [lowest, large] = bounds;
  // below the lowest there is nothing to tell from −1, and 2ⁿ would underflow
  const { value, r, power } = nearExpm1(v, clamp(v, x, lowest, ends[1]), ln2);
  // far above zero the 1 does not count, and 2ⁿ would overflow
  const half = v.let(v.subIntegers(power, v.integer(2 ** mantissaBits)));
  const far = scaledExp(v, r, half, v.let(v.madd(r, half, half)));
  return v.or(v.select(v.lt(x, v.splat(large)), value, v.add(far, far)), signOf(v, x));
}

/** The larger of x and exp x − 1, which is never below x, where x is not above zero: no mask, and minus zero stays. */
export function elu(v: Lanes, x: Emit): Emit {
  const { expm1: bounds, halfLn2 } = formats[v.dtype];
  const held = v.let(v.pmax(v.pmin(x, v.splat(0)), v.splat(bounds[0])));
  const { value } = nearExpm1(
    v,
    held,
    halfLn2.map((piece) => 2 * piece),
  );
  return v.pmax(x, value);
}

/**
 * By the theorem of addition, with x = n ½ ln 2 + r and p = 2ⁿ: (p − 1 + (p + 1) tanh r) / (p + 1 + (p − 1) tanh r).
 * Nothing cancels, near zero or far from it, and few of its operations wait for each other.
 */
export function tanh(v: Lanes, x: Emit): Emit {
  const { tanh: bound, halfLn2 } = formats[v.dtype];
  const { r, counted } = reduce(v, clamp(v, x, -bound, bound), halfLn2);
  const small = smallTanh(v, r);
  const power = powerOfTwo(v, counted);
  const above = v.let(v.add(power, v.splat(1)));
  const below = v.let(v.sub(power, v.splat(1)));
  const value = v.div(v.madd(small, above, below), v.madd(small, below, above));
  return v.or(value, signOf(v, x));
}

/** exp x / (exp x + 1), for ½ x = n ½ ln 2 + r and p = 2ⁿ: (p + p tanh r) / (p + 1 + (p − 1) tanh r). */
export function sigmoid(v: Lanes, x: Emit): Emit {
  const { exp: bounds, ln2 } = formats[v.dtype];
  const held = clamp(v, v.mul(x, v.splat(0.5)), bounds[0] / 2, 20);
  const { r, counted, zero } = reduce(
    v,
    held,
    ln2.map((piece) => piece / 2),
  );
  const small = smallTanh(v, r);
  // where p is so small that the sum is one, part of it comes last, so that a subnormal result is rounded once
  const first = v.let(v.pmax(counted, v.splat(zero - 64)));
  const last = v.add(v.sub(counted, first), v.splat(zero));
  const power = powerOfTwo(v, first);
  const above = v.add(power, v.splat(1));
  const below = v.sub(power, v.splat(1));
  const value = v.div(v.madd(small, power, power), v.madd(small, below, above));
  // rounded, the quotient may be larger than one by a unit in the last place
  return v.mul(v.pmin(value, v.splat(1)), powerOfTwo(v, last));
}
