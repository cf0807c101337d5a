/** The kernels of nodes that stand alone: moves, reductions, gathering. */
import {
  type AxesAttrs,
  type AxisAttrs,
  type DType,
  type GraphNode,
  type PadAttrs,
  type ScatterAttrs,
  type SliceAttrs,
  type Spec,
  sizeOf,
  stridesOf,
  type TransposeAttrs,
} from '@neuralode/tensor';
import type { CopyKernel } from '../kernels/copy.ts';
import { convolutionWriters } from './emit-convolution.ts';
import type { Kernel } from './library.ts';
import type { MemoryBlock } from './memory-block.ts';

/** What the code of a node can do. */
export interface NodeCode {
  call(kernel: Kernel, ...blocks: readonly MemoryBlock[]): void;
  fill(block: MemoryBlock, value: number): void;
  /** Memory until the node is done. */
  scratch(spec: Spec): MemoryBlock;
  /**
   * Into how many parts a batch is cut, for as many threads: 1 where it
   * does not fall into equal ones, or has few operations.
   */
  partsOf(batch: number, operations: number): number;
  /** Calls a kernel once for each part, with those blocks that are whole, and with the part's share of the others. */
  callParts(parts: number, kernel: Kernel, ...operands: readonly PartOperand[]): void;
  /** to = the sum of `parts` blocks, one after the other. */
  addParts(parts: MemoryBlock, to: MemoryBlock): void;
}

/** A block that is cut along its first axis, or one that every part has whole. */
export type PartOperand = MemoryBlock | { readonly whole: MemoryBlock };

export type NodeWriter = (
  code: NodeCode,
  node: GraphNode,
  inputs: readonly MemoryBlock[],
  out: MemoryBlock,
) => void;

/** A copy of `shape` elements; strides and starts are in elements. */
function copy(
  code: NodeCode,
  from: MemoryBlock,
  to: MemoryBlock,
  plan: Omit<CopyKernel, 'kind' | 'dtype' | 'fromStart' | 'toStart'> &
    Partial<Pick<CopyKernel, 'fromStart' | 'toStart'>>,
): void {
  const kernel: CopyKernel = { kind: 'copy', dtype: to.dtype, fromStart: 0, toStart: 0, ...plan };
  code.call(kernel, from, to);
}

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((total, each, i) => total + each * b[i], 0);

/** By primitive. `sum` of what has no other place, `transpose` of what no product reads. */
export const nodeWriters: Readonly<Record<string, NodeWriter>> = {
  ...convolutionWriters,
  transpose(code, { inputs: [{ shape }], attrs }, [x], out) {
    const strides = stridesOf(shape);
    const { perm } = attrs as TransposeAttrs;
    const fromStrides = perm.map((axis) => strides[axis]);
    copy(code, x, out, { shape: out.shape, fromStrides, toStrides: stridesOf(out.shape) });
  },
  slice(code, { inputs: [{ shape }], attrs }, [x], out) {
    const fromStrides = stridesOf(shape);
    const fromStart = dot((attrs as SliceAttrs).begin, fromStrides);
    copy(code, x, out, {
      shape: out.shape,
      fromStrides,
      toStrides: stridesOf(out.shape),
      fromStart,
    });
  },
  flip(code, { inputs: [{ shape }], attrs }, [x], out) {
    const strides = stridesOf(shape);
    const { axes } = attrs as AxesAttrs;
    const fromStrides = strides.map((stride, axis) => (axes.includes(axis) ? -stride : stride));
    const fromStart = axes.reduce((total, axis) => total + (shape[axis] - 1) * strides[axis], 0);
    copy(code, x, out, { shape, fromStrides, toStrides: strides, fromStart });
  },
  pad(code, { inputs: [{ shape }], attrs }, [x], out) {
    const toStrides = stridesOf(out.shape);
    const toStart = dot((attrs as PadAttrs).before, toStrides);
    code.fill(out, 0);
    copy(code, x, out, { shape, fromStrides: stridesOf(shape), toStrides, toStart });
  },
  concat(code, { inputs, attrs }, blocks, out) {
    const { axis } = attrs as AxisAttrs;
    const toStrides = stridesOf(out.shape);
    let at = 0;
    inputs.forEach(({ shape }, i) => {
      const toStart = at * toStrides[axis];
      copy(code, blocks[i], out, { shape, fromStrides: stridesOf(shape), toStrides, toStart });
      at += shape[axis];
    });
  },
  sum: (code, { inputs: [{ shape }], attrs }, [x], out) =>
    code.call(
      { kind: 'reduce', op: 'sum', dtype: x.dtype, shape, axes: (attrs as AxesAttrs).axes },
      x,
      out,
    ),
  max: (code, { inputs: [{ shape }], attrs }, [x], out) =>
    code.call(
      { kind: 'reduce', op: 'max', dtype: x.dtype, shape, axes: (attrs as AxesAttrs).axes },
      x,
      out,
    ),
  argMax: (code, { inputs: [{ shape }], attrs }, [x], out) =>
    code.call(
      { kind: 'reduce', op: 'argMax', dtype: x.dtype, shape, axes: [(attrs as AxisAttrs).axis] },
      x,
      out,
    ),
  gather(code, { inputs: [{ shape }, indices], attrs }, blocks, out) {
    const { axis } = attrs as AxisAttrs;
    const around = {
      outer: sizeOf(shape.slice(0, axis)),
      inner: sizeOf(shape.slice(axis + 1)),
      extent: shape[axis],
      count: indices.shape[0],
    };
    code.call({ kind: 'gather', dtype: out.dtype as DType, ...around }, ...blocks, out);
  },
  scatterAdd(code, { inputs: [{ shape }, indices], attrs }, blocks, out) {
    const { axis, size } = attrs as ScatterAttrs;
    const around = {
      outer: sizeOf(shape.slice(0, axis)),
      inner: sizeOf(shape.slice(axis + 1)),
      extent: size,
      count: indices.shape[0],
    };
    code.fill(out, 0);
    code.call({ kind: 'scatterAdd', dtype: out.dtype as DType, ...around }, ...blocks, out);
  },
};
