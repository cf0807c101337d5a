/** Convolutions of generated programs against the definition in float64, over shapes that meet every way of computing them. */
import { reference } from '@neuralode/backend-reference';
import { simd } from '@neuralode/backend-simd';
import {
  type Backend,
  type ConvolutionAttrs,
  type FloatDType,
  type HostArray,
  primitives,
  random,
  sizeOf,
  toHostArray,
} from '@neuralode/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

type Pair = readonly [number, number];

interface Problem {
  readonly batch: number;
  readonly extent: Pair;
  readonly window: Pair;
  readonly channels: Pair;
  readonly strides: Pair;
  readonly dilations: Pair;
  readonly padding: readonly [Pair, Pair];
}

const devices = { got: simd(), want: reference() };

const pairOf = (least: number, most: number): fc.Arbitrary<Pair> =>
  fc.tuple(fc.integer({ min: least, max: most }), fc.integer({ min: least, max: most }));

const fits = ({ extent, window, dilations, padding }: Problem): boolean =>
  [0, 1].every(
    (axis) =>
      extent[axis] + padding[axis][0] + padding[axis][1] >=
      (window[axis] - 1) * dilations[axis] + 1,
  );

/** Windows that move in every way, over pictures of few channels. */
const anyProblem: fc.Arbitrary<Problem> = fc
  .record({
    batch: fc.integer({ min: 1, max: 3 }),
    extent: pairOf(1, 9),
    window: pairOf(1, 4),
    channels: pairOf(1, 7),
    strides: pairOf(1, 4),
    dilations: pairOf(1, 3),
    padding: fc.tuple(pairOf(0, 3), pairOf(0, 3)),
  })
  .filter(fits);

/** Windows of 3 × 3 that move pixel by pixel, over channels enough for minimal filtering. */
const plainProblem: fc.Arbitrary<Problem> = fc
  .record({
    batch: fc.integer({ min: 1, max: 9 }),
    extent: pairOf(2, 11),
    window: fc.constant([3, 3] as const),
    channels: pairOf(8, 21),
    strides: fc.constant([1, 1] as const),
    dilations: fc.constant([1, 1] as const),
    padding: fc.tuple(pairOf(0, 3), pairOf(0, 3)),
  })
  .filter(fits);

interface Operand {
  readonly values: HostArray;
  readonly shape: readonly number[];
}

function run(
  backend: Backend,
  name: string,
  operands: readonly Operand[],
  attrs: ConvolutionAttrs,
  shape: readonly number[],
  dtype: FloatDType,
): HostArray {
  const inputs = operands.map((operand) => ({
    handle: backend.upload(toHostArray(dtype, operand.values), operand.shape, dtype),
    shape: operand.shape,
    dtype,
  }));
  const [out] = backend.run(name, inputs, attrs, [{ shape, dtype }]);
  const values = (backend.readSync as (handle: unknown) => HostArray)(out).slice();
  for (const { handle } of inputs) backend.free(handle);
  backend.free(out);
  return values;
}

interface Case {
  readonly name: 'conv2d' | 'conv2dInput' | 'conv2dFilter';
  readonly operands: readonly Operand[];
  readonly attrs: ConvolutionAttrs;
  readonly shape: readonly number[];
  /** How many products an element of the result is the sum of, at most. */
  readonly terms: number;
}

/** The convolution of a problem and both its derivatives, of numbers between minus one and one that float32 holds. */
function casesOf(problem: Problem): Case[] {
  const { batch, extent, window, channels, ...attrs } = problem;
  const x = [batch, ...extent, channels[0]];
  const w = [...window, ...channels];
  const spec = (shape: readonly number[]) => ({ shape, dtype: 'float32' as const });
  const [{ shape: y }] = primitives.conv2d.infer([spec(x), spec(w)], attrs);
  const rng = random(1);
  const [pictures, filters, weights] = [x, w, y].map((shape) => ({
    shape,
    values: Float32Array.from({ length: sizeOf(shape) }, () => rng.next() * 2 - 1),
  }));
  const byPictures = { ...attrs, picture: extent };
  const byFilters = { ...attrs, window };
  return [
    { name: 'conv2d', operands: [pictures, filters], attrs, shape: y, terms: sizeOf(w) / w[3] },
    {
      name: 'conv2dInput',
      operands: [weights, filters],
      attrs: byPictures,
      shape: x,
      terms: sizeOf(w) / w[2],
    },
    {
      name: 'conv2dFilter',
      operands: [pictures, weights],
      attrs: byFilters,
      shape: w,
      terms: sizeOf(y) / y[3],
    },
  ];
}

/** How far each element of a result is from that of the definition in float64. */
function errorsOf({ name, operands, attrs, shape }: Case, dtype: FloatDType): number[] {
  const got = run(devices.got, name, operands, attrs, shape, dtype);
  const want = run(devices.want, name, operands, attrs, shape, 'float64');
  return Array.from(got, (value, i) => Math.abs(value - want[i]));
}

/**
 * γ_n = n u / (1 - n u), which bounds the relative error of a product of n factors 1 + δ, |δ| ≤ u (Higham, Accuracy and
 * Stability of Numerical Algorithms, 2nd ed., page 63); in float64 twice, since the definition is rounded as often.
 */
function gamma(n: number, dtype: FloatDType): number {
  const nu = n * (dtype === 'float32' ? 2 ** -24 : 2 * 2 ** -53);
  return nu / (1 - nu);
}

/** What each element may err by, in whatever order its products a · b are added: γ_k Σ|a||b| (Higham, page 63). */
function boundsOfSums({ name, operands, attrs, shape, terms }: Case, dtype: FloatDType): number[] {
  const sizes = operands.map((operand) => ({ ...operand, values: operand.values.map(Math.abs) }));
  const sums = run(devices.want, name, sizes, attrs, shape, 'float64');
  return Array.from(sums, (sum) => gamma(terms, dtype) * sum);
}

/**
 * The same for minimal filtering of numbers up to one. A transformed filter is at most (3/2)², transformed pixels 2² of them,
 * nine products of which are a place of the result: 81 for each summand. (By filters: 2², 2² and 2², which is less.) Transforms
 * add up to four times on either side, and twice the pixels'.
 */
function boundOfMinimalFiltering(problem: Problem, one: Case, dtype: FloatDType): number {
  const [down, across] = [0, 1].map((axis) => {
    const [before, after] = problem.padding[axis];
    return Math.ceil((problem.extent[axis] + before + after - 2) / 2);
  });
  const summands = one.name === 'conv2dFilter' ? problem.batch * down * across : one.terms / 9;
  return gamma(summands + 10, dtype) * 81 * summands;
}

const rms = (values: readonly number[]): number =>
  Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length);

/** What a loop over so many products errs by, where products and partial sums are rounded to float32: the root mean square. */
function errorOfPlainLoop(terms: number): number {
  const rng = random(2);
  const draw = () => Math.fround(rng.next() * 2 - 1);
  return rms(
    Array.from({ length: 2000 }, () => {
      let [exact, rounded] = [0, 0];
      for (let k = 0; k < terms; k++) {
        const product = draw() * draw();
        exact += product;
        rounded = Math.fround(rounded + Math.fround(product));
      }
      return rounded - exact;
    }),
  );
}

describe.each(['float32', 'float64'] as const)('convolutions in %s', (dtype) => {
  it('of any kind err within the bound of sums', () => {
    fc.assert(
      fc.property(anyProblem, (problem) => {
        for (const one of casesOf(problem)) {
          const bounds = boundsOfSums(one, dtype);
          errorsOf(one, dtype).forEach((error, i) => {
            expect(error).toBeLessThanOrEqual(bounds[i]);
          });
        }
      }),
      { numRuns: 60 },
    );
  });

  it('of 3 × 3 windows err within the bound of minimal filtering', () => {
    fc.assert(
      fc.property(plainProblem, (problem) => {
        for (const one of casesOf(problem)) {
          const bound = boundOfMinimalFiltering(problem, one, dtype);
          expect(Math.max(...errorsOf(one, dtype))).toBeLessThanOrEqual(bound);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('convolutions in float32 err, on the whole, no more than', () => {
  const common = { batch: 8, extent: [9, 10], channels: [17, 12], dilations: [1, 1] } as const;
  const padding = [
    [1, 1],
    [1, 1],
  ] as const;
  it.each([
    ['a plain loop', { ...common, window: [4, 4], strides: [2, 2], padding }, 1],
    // transforms of pixels double variances along each axis, and nine of the sixteen products are added
    [
      'three plain loops: 3 × 3 windows',
      { ...common, window: [3, 3], strides: [1, 1], padding },
      3,
    ],
  ] as const)('%s', (_, problem, factor) => {
    for (const one of casesOf(problem)) {
      expect(rms(errorsOf(one, 'float32'))).toBeLessThan(factor * errorOfPlainLoop(one.terms));
    }
  });
});
