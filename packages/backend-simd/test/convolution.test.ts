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

function run(
  backend: Backend,
  name: string,
  operands: readonly { values: HostArray; shape: readonly number[] }[],
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

/**
 * The largest error of each of the three, as a share of what a plain loop over k products of numbers up to one may err by:
 * its k partial sums, up to √k in size, are each rounded to within half an ε of theirs, so errors walk at random to about
 * ε k / 15; the largest of some ten thousand is four times as large.
 */
function errors(problem: Problem, dtype: FloatDType): number[] {
  const { batch, extent, window, channels, ...attrs } = problem;
  const x = [batch, ...extent, channels[0]];
  const w = [...window, ...channels];
  const spec = (shape: readonly number[]) => ({ shape, dtype });
  const [{ shape: y }] = primitives.conv2d.infer([spec(x), spec(w)], attrs);
  const rng = random(1);
  const drawn = (shape: readonly number[]) => ({
    shape,
    // of which float32 holds every one
    values: Float32Array.from({ length: sizeOf(shape) }, () => rng.next() * 2 - 1),
  });
  const [pictures, filters, weights] = [x, w, y].map(drawn);
  const cases = [
    { name: 'conv2d', operands: [pictures, filters], attrs, shape: y, terms: sizeOf(w) / w[3] },
    {
      name: 'conv2dInput',
      operands: [weights, filters],
      attrs: { ...attrs, picture: extent },
      shape: x,
      terms: sizeOf(w) / w[2],
    },
    {
      name: 'conv2dFilter',
      operands: [pictures, weights],
      attrs: { ...attrs, window },
      shape: w,
      terms: sizeOf(y) / y[3],
    },
  ];
  return cases.map(({ name, operands, attrs: own, shape, terms }) => {
    const got = run(devices.got, name, operands, own, shape, dtype);
    const want = run(devices.want, name, operands, own, shape, 'float64');
    const worst = Math.max(0, ...Array.from(got, (value, i) => Math.abs(value - want[i])));
    const epsilon = dtype === 'float32' ? 2 ** -23 : 2 ** -52;
    return worst / (epsilon * (4 + terms / 4));
  });
}

describe.each(['float32', 'float64'] as const)('convolutions in %s', (dtype) => {
  it.each([
    ['of any kind', anyProblem, 1],
    // transforms of pixels double variances along each axis, and nine of the sixteen products are added
    ['of 3 × 3 windows', plainProblem, 3],
  ])('%s err as a plain loop does, to a factor', (_, problems, factor) => {
    fc.assert(
      fc.property(problems, (problem) => {
        for (const error of errors(problem, dtype)) expect(error).toBeLessThan(factor);
      }),
      { numRuns: 60 },
    );
  });
});
