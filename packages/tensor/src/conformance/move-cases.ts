/** Primitives that move elements and compute nothing: exact, at every dtype. */
import type { DType } from '../dtype.ts';
import type { Primitive } from '../primitive.ts';
import {
  type AxesAttrs,
  broadcastTo,
  concat,
  flip,
  type PadAttrs,
  pad,
  type SliceAttrs,
  slice,
  type TransposeAttrs,
  transpose,
} from '../primitives/index.ts';
import type { KernelCase } from './kernel-check.ts';
import { literal, shapesIn, uniform } from './samples.ts';

type Shape = readonly number[];

const all: readonly DType[] = ['float64', 'float32', 'int32', 'bool'];

/** One test of a primitive of one operand for every row of `table`. */
function moves<Attrs>(
  primitive: Primitive<Attrs>,
  table: Readonly<Record<string, readonly [Shape, Attrs]>>,
): KernelCase[] {
  return Object.entries(table).map(([title, [shape, attrs]]) => {
    return { primitive, title, dtypes: all, inputs: [uniform(shape, -99, 99)], attrs };
  });
}

const transposes: Readonly<Record<string, readonly [Shape, TransposeAttrs]>> = {
  scalar: [[], { perm: [] }],
  vector: [[5], { perm: [0] }],
  matrix: [[3, 5], { perm: [1, 0] }],
  'matrix, as it is': [[3, 5], { perm: [0, 1] }],
  'large matrix': [[70, 130], { perm: [1, 0] }],
  'rank 3, reversed': [[2, 3, 4], { perm: [2, 1, 0] }],
  'rank 3, last two': [[2, 3, 4], { perm: [0, 2, 1] }],
  'rank 3, first two': [[2, 3, 4], { perm: [1, 0, 2] }],
  'rank 3, turned left': [[2, 3, 4], { perm: [1, 2, 0] }],
  'rank 3, turned right': [[2, 3, 4], { perm: [2, 0, 1] }],
  'rank 4, last two': [[2, 3, 4, 5], { perm: [0, 1, 3, 2] }],
  'rank 4, channels first': [[2, 3, 4, 5], { perm: [0, 3, 1, 2] }],
  'rank 4, mixed': [[2, 3, 4, 5], { perm: [2, 0, 3, 1] }],
  'axes of one': [[1, 3, 1, 2], { perm: [3, 0, 1, 2] }],
  'no elements': [[2, 0, 3], { perm: [2, 0, 1] }],
};

const broadcasts: Readonly<Record<string, readonly [Shape, { shape: Shape }]>> = {
  'scalar to scalar': [[], { shape: [] }],
  'scalar to vector': [[], { shape: [6] }],
  'scalar to rank 3': [[], { shape: [2, 3, 4] }],
  'row to matrix': [[4], { shape: [3, 4] }],
  'column to matrix': [[3, 1], { shape: [3, 4] }],
  'middle axis': [[2, 1, 4], { shape: [2, 3, 4] }],
  'outer axes': [[1, 3, 1], { shape: [2, 3, 4] }],
  'to rank 4': [[3, 1], { shape: [2, 2, 3, 4] }],
  'as it is': [[3, 4], { shape: [3, 4] }],
  large: [[257], { shape: [128, 257] }],
  'to no elements': [[1, 3], { shape: [0, 3] }],
};

const slices: Readonly<Record<string, readonly [Shape, SliceAttrs]>> = {
  scalar: [[], { begin: [], size: [] }],
  vector: [[9], { begin: [2], size: [4] }],
  whole: [[3, 5], { begin: [0, 0], size: [3, 5] }],
  'one row': [[3, 5], { begin: [1, 0], size: [1, 5] }],
  'one column': [[3, 5], { begin: [0, 4], size: [3, 1] }],
  'inner block': [[4, 6], { begin: [1, 2], size: [2, 3] }],
  'rank 3': [[3, 4, 5], { begin: [1, 1, 2], size: [2, 2, 3] }],
  'rank 4': [[2, 3, 4, 5], { begin: [0, 1, 2, 0], size: [2, 2, 1, 4] }],
  'no rows': [[3, 5], { begin: [3, 0], size: [0, 5] }],
  'of no elements': [[0, 5], { begin: [0, 1], size: [0, 2] }],
};

const pads: Readonly<Record<string, readonly [Shape, PadAttrs]>> = {
  scalar: [[], { before: [], after: [] }],
  vector: [[4], { before: [2], after: [3] }],
  'nothing added': [[2, 3], { before: [0, 0], after: [0, 0] }],
  matrix: [[2, 3], { before: [1, 2], after: [3, 0] }],
  'after only': [[2, 3], { before: [0, 0], after: [0, 4] }],
  'rank 3': [[2, 1, 3], { before: [0, 2, 1], after: [1, 0, 1] }],
  'rank 4': [[2, 1, 3, 2], { before: [0, 2, 1, 1], after: [1, 0, 1, 0] }],
  'zeros only': [[0, 2], { before: [2, 0], after: [1, 1] }],
  'no elements': [[0, 2], { before: [0, 1], after: [0, 1] }],
};

const flips: Readonly<Record<string, readonly [Shape, AxesAttrs]>> = {
  scalar: [[], { axes: [] }],
  vector: [[5], { axes: [0] }],
  'matrix, rows': [[3, 5], { axes: [0] }],
  'matrix, columns': [[3, 5], { axes: [1] }],
  'matrix, both': [[3, 5], { axes: [0, 1] }],
  'matrix, neither': [[3, 5], { axes: [] }],
  'rank 3, outer axes': [[2, 3, 4], { axes: [0, 2] }],
  'rank 4, inner axes': [[2, 3, 4, 2], { axes: [1, 2] }],
  'no elements': [[0, 3], { axes: [0, 1] }],
};

const concatenations: Readonly<Record<string, readonly [axis: number, shapes: string]>> = {
  'one part': [0, '2×3'],
  vectors: [0, '2, 1, 4'],
  rows: [0, '2×3, 1×3'],
  columns: [1, '2×3, 2×1, 2×2'],
  'rank 3, middle axis': [1, '2×1×4, 2×3×4'],
  'rank 3, last axis': [2, '2×3×1, 2×3×4'],
  'rank 4': [2, '2×1×3×2, 2×1×1×2'],
  'twelve parts': [0, '1×3, 2×3, 1×3, 1×3, 1×3, 1×3, 3×3, 1×3, 1×3, 1×3, 1×3, 1×3'],
  'a part of none': [0, '2×3, 0×3, 1×3'],
  'parts of none': [1, '0×3, 0×2'],
};

const nan = Number.NaN;
const inf = Number.POSITIVE_INFINITY;

/** Adding zeros, or multiplying by one, would show. */
const untouched = ([primitive, attrs]: readonly [Primitive, unknown]): KernelCase => {
  const inputs = [literal([nan, inf, -inf, 1e38, 1e-37, 0], [2, 3])];
  return { primitive, title: 'special values', dtypes: ['float64', 'float32'], inputs, attrs };
};

const special: readonly (readonly [Primitive, unknown])[] = [
  [transpose, { perm: [1, 0] }],
  [broadcastTo, { shape: [2, 2, 3] }],
  [slice, { begin: [0, 0], size: [2, 2] }],
  [pad, { before: [1, 1], after: [1, 1] }],
  [flip, { axes: [0, 1] }],
  [concat, { axis: 0 }],
];

export const moveCases: readonly KernelCase[] = [
  ...moves(transpose, transposes),
  ...moves(broadcastTo, broadcasts),
  ...moves(slice, slices),
  ...moves(pad, pads),
  ...moves(flip, flips),
  ...Object.entries(concatenations).map(([title, [axis, shapes]]): KernelCase => {
    const inputs = shapesIn(shapes).map((shape) => uniform(shape, -99, 99));
    return { primitive: concat, title, dtypes: all, inputs, attrs: { axis } };
  }),
  ...special.map(untouched),
];
