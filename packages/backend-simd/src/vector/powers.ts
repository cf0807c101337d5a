/** Powers of float32, four at a time: exp (y log |x|) in float64, two by two, and rounded once. */
import type { Emit } from '../wasm/function-writer.ts';
import { simd } from '../wasm/simd-opcodes.ts';
import { exp } from './exponentials.ts';
import type { Lanes } from './lanes.ts';
import { log } from './logarithms.ts';

/** Of two numbers each. */
function powerOfTwoLanes(v: Lanes, wide: Lanes, base: Emit, exponent: Emit): Emit {
  const promote = v.unary(simd.promoteLow);
  const logarithm = wide.let(log(wide, wide.let(promote(base))));
  return v.unary(simd.demote)(exp(wide, wide.let(wide.mul(promote(exponent), logarithm))));
}

/** IEEE 754: one to any power is one, as is anything to the power zero, and minus one to an infinite one. */
export function pow(v: Lanes, wide: Lanes, x: Emit, y: Emit): Emit {
  const size = v.let(v.abs(x));
  const low = powerOfTwoLanes(v, wide, size, y);
  const high = powerOfTwoLanes(v, wide, v.upperHalf(size), v.upperHalf(y));
  const value = v.let(v.lowHalves(low, high));
  const one = v.splat(1);
  const positive = v.select(v.or(v.eq(size, one), v.eq(y, v.splat(0))), one, value);
  const broken = v.let(v.ne(v.floor(y), y));
  const half = v.let(v.mul(y, v.splat(0.5)));
  const odd = v.andNot(v.ne(v.floor(half), half), broken);
  const signed = v.or(positive, v.and(v.and(x, v.splat(-0)), odd));
  const negative = v.and(v.lt(x, v.splat(0)), v.lt(size, v.splat(Number.POSITIVE_INFINITY)));
  // all bits set are a NaN
  return v.or(signed, v.and(negative, broken));
}
