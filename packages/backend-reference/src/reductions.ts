/** Sum, max and argMax: axes that disappear. */
import {
  type AxesAttrs,
  type AxisAttrs,
  type HostArray,
  type Shape,
  ShapeError,
  showShape,
  stridesOf,
} from '@neuralode/tensor';
import type { Block, Kernel } from './kernel.ts';
import { offsetsOf } from './strided.ts';

function without(list: Shape, axes: readonly number[]): number[] {
  return list.filter((_, axis) => !axes.includes(axis));
}

/** Folds `count` elements, the i-th at `begin + offsets[i]`. */
type Fold = (data: HostArray, begin: number, offsets: Int32Array | null, count: number) => number;

/** Folds away `axes`. Where they are the last ones, the elements to fold follow one another: no offsets. */
function reduce(fold: Fold, x: Block, axes: readonly number[], out: Block): void {
  const strides = stridesOf(x.shape);
  const rank = x.shape.length;
  const count = axes.reduce((product, axis) => product * x.shape[axis], 1);
  const trailing = axes.every((axis, i) => axis === rank - axes.length + i);
  const of = (list: readonly number[], from: Shape) => list.map((axis) => from[axis]);
  const offsets = trailing ? null : offsetsOf(of(axes, x.shape), of(axes, strides));
  const begins = offsetsOf(without(x.shape, axes), without(strides, axes));
  for (let i = 0; i < begins.length; i++) out.data[i] = fold(x.data, begins[i], offsets, count);
}

/** Below this many terms a plain loop; above, halves, so that rounding grows with log n (Higham 1993, pairwise). */
const leaf = 64;

const sumOf: Fold = (data, begin, offsets, count) => {
  const sumRange = (from: number, to: number): number => {
    if (to - from > leaf) {
      const middle = from + ((to - from) >> 1);
      return sumRange(from, middle) + sumRange(middle, to);
    }
    let total = 0;
    if (offsets === null) for (let i = from; i < to; i++) total += data[begin + i];
    else for (let i = from; i < to; i++) total += data[begin + offsets[i]];
    return total;
  };
  return sumRange(0, count);
};

/** Wraps at every step: the plain float64 sum of many large int32 would lose its low bits. */
const sumOfIntegers: Fold = (data, begin, offsets, count) => {
  let total = 0;
  for (let i = 0; i < count; i++) {
    total = (total + data[begin + (offsets === null ? i : offsets[i])]) | 0;
  }
  return total;
};

const maxOf: Fold = (data, begin, offsets, count) => {
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < count; i++) {
    const value = data[begin + (offsets === null ? i : offsets[i])];
    if (value > largest) largest = value;
    else if (Number.isNaN(value)) return value;
  }
  return largest;
};

/** Where the largest is, along a line of elements `step` apart; NaN counts as largest, the first one wins. */
function indexOfMax(data: HostArray, begin: number, step: number, extent: number): number {
  let best = 0;
  for (let i = 0; i < extent; i++) {
    const value = data[begin + i * step];
    if (Number.isNaN(value)) return i;
    if (value > data[begin + best * step]) best = i;
  }
  return best;
}

const argMax: Kernel = ([x], { axis }: AxisAttrs, out) => {
  const extent = x.shape[axis];
  if (extent === 0 && out.data.length > 0) {
    throw new ShapeError({ what: 'argMax: of no elements', got: showShape(x.shape) });
  }
  const strides = stridesOf(x.shape);
  const begins = offsetsOf(without(x.shape, [axis]), without(strides, [axis]));
  for (let i = 0; i < begins.length; i++) {
    out.data[i] = indexOfMax(x.data, begins[i], strides[axis], extent);
  }
};

export const reductionKernels: Record<string, Kernel> = {
  sum: ([x], { axes }: AxesAttrs, out) =>
    reduce(x.dtype === 'int32' ? sumOfIntegers : sumOf, x, axes, out),
  max: ([x], { axes }: AxesAttrs, out) => reduce(maxOf, x, axes, out),
  argMax,
};
