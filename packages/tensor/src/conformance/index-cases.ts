/** Slices picked and added by integer indices. */
import type { DType } from '../dtype.ts';
import { gather, scatterAdd } from '../primitives/index.ts';
import type { KernelCase } from './kernel-check.ts';
import { indices, literal, uniform } from './samples.ts';
import { accumulated } from './tolerance.ts';

type Shape = readonly number[];

const floats: readonly DType[] = ['float64', 'float32'];
const numbers: readonly DType[] = [...floats, 'int32'];
const all: readonly DType[] = [...numbers, 'bool'];
const needs: readonly DType[] = ['int32'];

const picks: Readonly<
  Record<string, readonly [shape: Shape, axis: number, list: readonly number[]]>
> = {
  vector: [[6], 0, [5, 0, 3]],
  'in order': [[4, 3], 0, [0, 1, 2, 3]],
  'rows, repeated': [[4, 3], 0, [2, 2, 0, 3, 2]],
  columns: [[4, 3], 1, [2, 0]],
  'one index': [[4, 3], 0, [3]],
  'rank 3, middle axis': [[2, 4, 3], 1, [3, 1, 1]],
  'rank 3, last axis': [[2, 4, 3], 2, [2, 2, 0, 1]],
  'rank 4': [[2, 3, 4, 2], 2, [3, 0]],
  'a minibatch of many': [[1000, 5], 0, Array.from({ length: 64 }, (_, i) => (i * 577) % 1000)],
  'no indices': [[4, 3], 0, []],
  'of empty slices': [[4, 0], 0, [1, 3]],
};

const additions: Readonly<
  Record<string, readonly [shape: Shape, axis: number, size: number, list: readonly number[]]>
> = {
  vector: [[3], 0, 6, [5, 0, 3]],
  'rows, repeated': [[5, 3], 0, 4, [2, 2, 0, 3, 2]],
  'all to one': [[4, 3], 0, 2, [1, 1, 1, 1]],
  columns: [[4, 2], 1, 3, [2, 0]],
  'rank 3, middle axis': [[2, 3, 3], 1, 4, [3, 1, 1]],
  'rank 3, last axis': [[2, 4, 4], 2, 3, [2, 2, 0, 1]],
  'rank 4': [[2, 3, 2, 2], 2, 4, [3, 0]],
  'a minibatch of many': [[64, 5], 0, 100, Array.from({ length: 64 }, (_, i) => (i * 57) % 100)],
  'no indices': [[0, 3], 0, 4, []],
  'to no slices': [[0, 3], 0, 0, []],
  'of empty slices': [[2, 0], 0, 4, [1, 3]],
};

const nan = Number.NaN;
const inf = Number.POSITIVE_INFINITY;

export const indexCases: readonly KernelCase[] = [
  ...Object.entries(picks).map(([title, [shape, axis, list]]): KernelCase => {
    const inputs = [uniform(shape, -99, 99), indices(list)];
    return { primitive: gather, title, dtypes: all, needs, inputs, attrs: { axis } };
  }),
  {
    // a product with a matrix of zeros and ones would spread NaN
    primitive: gather,
    title: 'special values',
    dtypes: floats,
    needs,
    inputs: [literal([nan, 1, inf, -inf, 2, 3], [3, 2]), indices([2, 0])],
    attrs: { axis: 0 },
  },
  ...Object.entries(additions).map(([title, [shape, axis, size, list]]): KernelCase => {
    const inputs = [uniform(shape, -99, 99), indices(list)];
    const attrs = { axis, size };
    return {
      primitive: scatterAdd,
      title,
      dtypes: numbers,
      needs,
      inputs,
      attrs,
      tolerance: accumulated(list.length),
    };
  }),
  {
    primitive: scatterAdd,
    title: 'special values stay in their slice',
    dtypes: floats,
    needs,
    inputs: [literal([nan, 1, inf, -inf, 2, 3], [3, 2]), indices([2, 0, 0])],
    attrs: { axis: 0, size: 4 },
    tolerance: accumulated(3),
  },
];
