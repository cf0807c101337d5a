/** Primitives that only move elements: each is one strided copy, told by where it begins and its strides. */
import {
  type AxesAttrs,
  type AxisAttrs,
  type HostArray,
  type PadAttrs,
  type Shape,
  type SliceAttrs,
  stridesOf,
  type TransposeAttrs,
} from '@neuralode/tensor';
import type { Kernel } from './kernel.ts';
import { broadcastStrides, rowsOf } from './strided.ts';

interface Side {
  readonly data: HostArray;
  readonly strides: Shape;
  readonly begin?: number;
}

function copy(shape: Shape, from: Side, to: Side): void {
  const rows = rowsOf(shape, [from.strides, to.strides], [from.begin ?? 0, to.begin ?? 0]);
  const { length, steps } = rows;
  const [fromStep, toStep] = steps;
  const source = from.data;
  const target = to.data;
  rows.forEach(([fromStart, toStart]) => {
    for (let i = 0; i < length; i++)
      target[toStart + i * toStep] = source[fromStart + i * fromStep];
  });
}

/** Position of an element in a block of these strides. */
function positionOf(indices: Shape, strides: Shape): number {
  return indices.reduce((position, index, axis) => position + index * strides[axis], 0);
}

const transpose: Kernel = ([x], { perm }: TransposeAttrs, out) => {
  const strides = stridesOf(x.shape);
  const permuted = perm.map((axis) => strides[axis]);
  copy(
    out.shape,
    { data: x.data, strides: permuted },
    { data: out.data, strides: stridesOf(out.shape) },
  );
};

const broadcastTo: Kernel = ([x], _, out) =>
  copy(
    out.shape,
    { data: x.data, strides: broadcastStrides(x.shape, out.shape) },
    { data: out.data, strides: stridesOf(out.shape) },
  );

const slice: Kernel = ([x], { begin }: SliceAttrs, out) => {
  const strides = stridesOf(x.shape);
  copy(
    out.shape,
    { data: x.data, strides, begin: positionOf(begin, strides) },
    { data: out.data, strides: stridesOf(out.shape) },
  );
};

const pad: Kernel = ([x], { before }: PadAttrs, out) => {
  const strides = stridesOf(out.shape);
  copy(
    x.shape,
    { data: x.data, strides: stridesOf(x.shape) },
    { data: out.data, strides, begin: positionOf(before, strides) },
  );
};

const concat: Kernel = (operands, { axis }: AxisAttrs, out) => {
  const strides = stridesOf(out.shape);
  let done = 0;
  for (const { data, shape } of operands) {
    copy(
      shape,
      { data, strides: stridesOf(shape) },
      { data: out.data, strides, begin: done * strides[axis] },
    );
    done += shape[axis];
  }
};

const flip: Kernel = ([x], { axes }: AxesAttrs, out) => {
  const strides = stridesOf(x.shape);
  const last = x.shape.map((extent, axis) => (axes.includes(axis) ? extent - 1 : 0));
  const backward = strides.map((stride, axis) => (axes.includes(axis) ? -stride : stride));
  copy(
    x.shape,
    { data: x.data, strides: backward, begin: positionOf(last, strides) },
    { data: out.data, strides },
  );
};

/** The executor answers it without a copy; here for a caller that runs primitives itself. */
const reshape: Kernel = ([x], _, out) => out.data.set(x.data);

export const moveKernels: Record<string, Kernel> = {
  transpose,
  broadcastTo,
  slice,
  pad,
  concat,
  flip,
  reshape,
  stopGradient: reshape,
};
