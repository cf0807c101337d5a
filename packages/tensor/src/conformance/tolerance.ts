/**
 * How far a result may be from the reference's, and the comparison.
 *
 * Bounds are counted in units in the last place (ulps): multiples of the dtype's ε (2⁻²³ or 2⁻⁵²) times the size of the
 * result, of one, or of the terms of a sum. The room for inexact arithmetic is stated once per kind, with its reason.
 */
import type { DType, HostArray } from '../dtype.ts';

export interface Tolerance {
  readonly ulps: number;
  /** What an ulp is of: the result, the result but at least one, or the sum of the terms' absolute values. */
  readonly of: 'result' | 'unit' | 'terms';
}

/** The result is one of the operands' numbers, or an integer. */
export const exact: Tolerance = { ulps: 0, of: 'result' };

/** IEEE 754 rounds +, - and × correctly: to within half an ulp. */
export const rounded: Tolerance = { ulps: 0.5, of: 'result' };

/** Division and square root: half an ulp on a CPU, but WebGPU's language allows 2.5 and a composition of the two. */
export const divided: Tolerance = { ulps: 4, of: 'result' };

/** Transcendental functions of C libraries and of vector libraries stay within about 4 ulps. */
export const transcendental: Tolerance = { ulps: 4, of: 'result' };

/** Where the function crosses zero at an inexact argument, its relative error has no bound that all devices keep. */
export const crossingZero: Tolerance = { ulps: 4, of: 'unit' };

/** Functions that a device may compose of exp and log (tanh, sigmoid, expm1, log1p): a few roundings more. */
export const composed: Tolerance = { ulps: 8, of: 'result' };

/** exp(y log x) loses as many ulps as |y log x| is large, below 10 in these tests. */
export const powered: Tolerance = { ulps: 16, of: 'result' };

/** Pairwise summation errs by log₂ n halves of an ulp of Σ|x|; a plain float32 loop over 10⁶ terms by thousands. */
export function summed(count: number): Tolerance {
  return { ulps: 2 + Math.log2(Math.max(count, 1)), of: 'terms' };
}

/** Roundings of a plain loop over k products walk at random: √k, and 4 for the products and small k. */
export function accumulated(k: number): Tolerance {
  return { ulps: 4 + Math.sqrt(k), of: 'terms' };
}

const epsilon = { float64: 2 ** -52, float32: 2 ** -23, int32: 0, bool: 0 };

/** Devices may flush what is smaller than the smallest normal number to zero. */
const smallestNormal = { float64: 2 ** -1022, float32: 2 ** -126, int32: 0, bool: 0 };

/** Throws where an element is further from `want` than allowed. `terms` are the sums of absolute terms. */
export function compare(
  got: HostArray,
  want: HostArray,
  dtype: DType,
  { ulps, of }: Tolerance,
  terms: HostArray = want,
): void {
  if (got.length !== want.length) {
    throw new Error(`${got.length} elements instead of ${want.length}`);
  }
  const floor = of === 'unit' ? 1 : 0;
  const slack = ulps === 0 ? 0 : smallestNormal[dtype];
  let wrong = 0;
  let first = '';
  for (let i = 0; i < got.length; i++) {
    const scale = Math.max(Math.abs(terms[i]), floor);
    const bound = ulps * epsilon[dtype] * scale + slack;
    if (close(got[i], want[i], dtype, bound)) continue;
    if (wrong++ === 0) first = `at ${i}: ${got[i]} instead of ${want[i]} (± ${bound})`;
  }
  if (wrong > 0)
    throw new Error(`${wrong} of ${got.length} elements are wrong; the first ${first}`);
}

function close(got: number, want: number, dtype: DType, bound: number): boolean {
  if (Number.isNaN(want)) return Number.isNaN(got);
  // beyond the largest float32 the right answer is infinite
  const target = dtype === 'float32' ? Math.fround(want) : want;
  if (!Number.isFinite(target)) return got === target;
  return Math.abs(got - want) <= bound;
}
