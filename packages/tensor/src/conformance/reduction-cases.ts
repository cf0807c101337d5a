/** Axes that disappear: sum, max, argMax. */
import type { DType } from '../dtype.ts';
import { argMax, max, sum } from '../primitives/index.ts';
import { sizeOf } from '../shape.ts';
import type { KernelCase } from './kernel-check.ts';
import { integers, literal, type Sample, uniform } from './samples.ts';
import { exact, summed, type Tolerance } from './tolerance.ts';

const floats: readonly DType[] = ['float64', 'float32'];
const numbers: readonly DType[] = [...floats, 'int32'];
const all: readonly DType[] = [...numbers, 'bool'];

type Reduction = readonly [shape: readonly number[], axes: readonly number[]];

const reductions: Readonly<Record<string, Reduction>> = {
  scalar: [[], []],
  vector: [[7], [0]],
  'matrix, all': [
    [3, 5],
    [0, 1],
  ],
  'matrix, first axis': [[3, 5], [0]],
  'matrix, last axis': [[3, 5], [1]],
  'matrix, no axis': [[3, 5], []],
  'rank 3, first axis': [[2, 3, 4], [0]],
  'rank 3, middle axis': [[2, 3, 4], [1]],
  'rank 3, last axis': [[2, 3, 4], [2]],
  'rank 3, outer axes': [
    [2, 3, 4],
    [0, 2],
  ],
  'rank 3, last axes': [
    [2, 3, 4],
    [1, 2],
  ],
  'rank 4, first axes': [
    [2, 3, 2, 4],
    [0, 1],
  ],
  'rank 4, every other axis': [
    [2, 3, 2, 4],
    [1, 3],
  ],
  'an axis of one': [[3, 1, 4], [1]],
  'over a batch': [[200, 50], [0]],
  'nothing kept': [[0, 3], [1]],
};

/** Only sums have a value for these. */
const emptySums: Readonly<Record<string, Reduction>> = {
  'of none': [[0], [0]],
  'of no rows': [[0, 3], [0]],
  'of none, all': [
    [2, 0, 3],
    [0, 1, 2],
  ],
};

function countOf([shape, axes]: Reduction): number {
  return sizeOf(axes.map((axis) => shape[axis]));
}

const drawnSums = Object.entries({ ...reductions, ...emptySums }).map(
  ([title, reduction]): KernelCase => {
    const [shape, axes] = reduction;
    const tolerance = summed(countOf(reduction));
    return {
      primitive: sum,
      title,
      dtypes: numbers,
      tolerance,
      inputs: [uniform(shape, -9, 9)],
      attrs: { axes },
    };
  },
);

const inf = Number.POSITIVE_INFINITY;
const nan = Number.NaN;
const top = 2147483647;
const million = 1_000_000;

function sums(
  title: string,
  dtypes: readonly DType[],
  input: Sample,
  axes: readonly number[],
  tolerance: Tolerance,
): KernelCase {
  return { primitive: sum, title, dtypes, inputs: [input], attrs: { axes }, tolerance };
}

const givenSums: readonly KernelCase[] = [
  sums('a million elements', floats, uniform([million], 0, 1), [0], summed(million)),
  sums('a million elements of both signs', floats, uniform([million], -1, 1), [0], summed(million)),
  sums('a million rows', floats, uniform([million / 4, 4], 0, 1), [0], summed(million / 4)),
  sums('cancellation', floats, literal([3e7, 1, -3e7, 1]), [0], summed(4)),
  sums('infinities', floats, literal([inf, 1, -inf, 1, inf, -inf], [3, 2]), [1], exact),
  sums('not a number', floats, literal([nan, 1, 2, 3], [2, 2]), [1], exact),
  sums('wraps around', ['int32'], literal([top, 1, top, top, -top, -3], [3, 2]), [1], exact),
  sums('large integers', ['int32'], integers([1000], 16777216, 33554432), [0], exact),
];

const drawnMaxima = Object.entries(reductions).map(([title, [shape, axes]]): KernelCase => {
  return { primitive: max, title, dtypes: all, inputs: [uniform(shape, -9, 9)], attrs: { axes } };
});

function maxima(
  title: string,
  dtypes: readonly DType[],
  values: readonly number[],
  shape: readonly number[],
): KernelCase {
  return { primitive: max, title, dtypes, inputs: [literal(values, shape)], attrs: { axes: [1] } };
}

const givenMaxima: readonly KernelCase[] = [
  maxima('all negative', numbers, [-3, -1, -2, -5, -9, -7], [2, 3]),
  maxima('infinities', floats, [-inf, -inf, 1, inf, -inf, 2], [3, 2]),
  maxima('not a number', floats, [nan, 1, 1, nan, inf, nan, 1, 2, -inf, nan, nan, nan], [4, 3]),
  maxima('extremes', ['int32'], [top, top - 1, -top - 1, -top], [2, 2]),
];

const places: Readonly<Record<string, readonly [shape: readonly number[], axis: number]>> = {
  vector: [[7], 0],
  'matrix, first axis': [[3, 5], 0],
  'matrix, last axis': [[3, 5], 1],
  'rank 3, middle axis': [[2, 3, 4], 1],
  'rank 4, second axis': [[2, 3, 2, 4], 1],
  'an axis of one': [[3, 1], 1],
  'a thousand elements': [[4, 1000], 1],
  'nothing kept': [[0, 3], 1],
};

function placed(
  title: string,
  dtypes: readonly DType[],
  values: readonly number[],
  shape: readonly number[],
): KernelCase {
  const inputs = [literal(values, shape)];
  return { primitive: argMax, title, dtypes, needs: ['int32'], inputs, attrs: { axis: 1 } };
}

const argMaxCases: readonly KernelCase[] = [
  ...Object.entries(places).map(([title, [shape, axis]]): KernelCase => {
    const inputs = [uniform(shape, -99, 99)];
    return { primitive: argMax, title, dtypes: all, needs: ['int32'], inputs, attrs: { axis } };
  }),
  placed('the first of equals', numbers, [1, 3, 3, 2, 2, 2, -1, -1, -2], [3, 3]),
  placed('infinities', floats, [-inf, -inf, 1, inf, inf, -inf], [3, 2]),
  placed('not a number is the largest', floats, [1, nan, inf, nan, 2, nan, -inf, -1, nan], [3, 3]),
];

export const reductionCases: readonly KernelCase[] = [
  ...drawnSums,
  ...givenSums,
  ...drawnMaxima,
  ...givenMaxima,
  ...argMaxCases,
];
