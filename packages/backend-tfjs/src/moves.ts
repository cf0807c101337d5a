/**
 * Kernels that move elements and compute nothing: transpose, broadcast, slice, pad, concat, flip, gather, scatterAdd.
 */
import type {
  AxesAttrs,
  AxisAttrs,
  PadAttrs,
  ScatterAttrs,
  ShapeAttrs,
  SliceAttrs,
  TransposeAttrs,
} from '@neuralode/tensor';
import { sameShape, sizeOf } from '@neuralode/tensor';
import type { Block } from './block.ts';
import { viewAs } from './block.ts';
import type { Kernel, KernelTable } from './kernel.ts';
import { aroundAxis, mergePermutation, mergeRuns } from './layout.ts';
import type { Workbench } from './workbench.ts';

/** `x` repeated along its extent-1 and missing axes until it has `shape`. */
export function broadcast(bench: Workbench, x: Block, shape: readonly number[]): Block {
  if (sameShape(x.shape, shape)) return x;
  const aligned = [...new Array(shape.length - x.shape.length).fill(1), ...x.shape];
  const runs = mergeRuns(shape, (axis) => aligned[axis] !== shape[axis]);
  if (!runs.marked.includes(true)) return viewAs(x, shape);
  const from = runs.extents.map((extent, run) => (runs.marked[run] ? 1 : extent));
  const reps = runs.extents.map((extent, run) => (runs.marked[run] ? extent : 1));
  return viewAs(bench.call('Tile', { x: viewAs(x, from) }, { reps }), shape);
}

/** `x` with its axes in the order `perm`; a view where no element moves. */
export function transposed(bench: Workbench, x: Block, perm: readonly number[]): Block {
  const shape = perm.map((axis) => x.shape[axis]);
  const merged = mergePermutation(x.shape, perm);
  if (merged.perm.length < 2) return viewAs(x, shape);
  const moved = bench.call('Transpose', { x: viewAs(x, merged.shape) }, { perm: merged.perm });
  return viewAs(moved, shape);
}

/** `x` as a matrix [what stays, what is reduced], for kernels that reduce the last axis. */
export function reducedLast(bench: Workbench, x: Block, axes: readonly number[]): Block {
  const kept = x.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  const moved = transposed(bench, x, [...kept, ...axes]);
  const outer = sizeOf(kept.map((axis) => x.shape[axis]));
  return viewAs(moved, [outer, sizeOf(x.shape) / outer]);
}

const transpose: Kernel<TransposeAttrs> = (bench, [x], { perm }) => transposed(bench, x, perm);

const broadcastTo: Kernel<ShapeAttrs> = (bench, [x], { shape }) => broadcast(bench, x, shape);

const slice: Kernel<SliceAttrs> = (bench, [x], { begin, size }) =>
  sameShape(size, x.shape) ? x : bench.call('Slice', { x }, { begin, size });

const pad: Kernel<PadAttrs> = (bench, [x], { before, after }) => {
  const paddings = before.map((count, axis) => [count, after[axis]]);
  return bench.call('PadV2', { x }, { paddings, constantValue: 0 });
};

const concat: Kernel<AxisAttrs> = (bench, inputs, { axis }) => {
  const parts = inputs.filter((input) => sizeOf(input.shape) > 0);
  if (parts.length === 1) return parts[0];
  const flat = parts.map((part) => {
    const [outer, extent, inner] = aroundAxis(part.shape, axis);
    return viewAs(part, [outer, extent * inner]);
  });
  return bench.call('Concat', flat, { axis: 1 });
};

const flip: Kernel<AxesAttrs> = (bench, [x], { axes }) => {
  const moving = axes.filter((axis) => x.shape[axis] > 1);
  if (moving.length === 0) return x;
  if (x.dtype !== 'bool') return bench.call('Reverse', { x }, { dims: moving });
  // some devices move four bytes an element whatever its type
  const wide = bench.call('Cast', { x }, { dtype: 'int32' });
  return bench.call(
    'Cast',
    { x: bench.call('Reverse', { x: wide }, { dims: moving }) },
    { dtype: 'bool' },
  );
};

const gather: Kernel<AxisAttrs> = (bench, [x, indices], { axis }) => {
  const rows = viewAs(x, aroundAxis(x.shape, axis));
  return bench.call('GatherV2', { x: rows, indices }, { axis: 1, batchDims: 0 });
};

// ScatterNd adds what meets at one index, along the first axis only
const scatterAdd: Kernel<ScatterAttrs> = (bench, [x, indices], { axis, size }) => {
  const [outer, extent, inner] = aroundAxis(x.shape, axis);
  const updates = transposed(bench, viewAs(x, [outer, extent, inner]), [1, 0, 2]);
  const added = bench.call(
    'ScatterNd',
    { indices: viewAs(indices, [extent, 1]), updates: viewAs(updates, [extent, outer * inner]) },
    { shape: [size, outer * inner] },
  );
  return transposed(bench, viewAs(added, [size, outer, inner]), [1, 0, 2]);
};

export const moves: KernelTable = {
  transpose,
  broadcastTo,
  slice,
  pad,
  concat,
  flip,
  gather,
  scatterAdd,
};
