/**
 * A kernel cut into equal parts: the same kernel over a part of its extents, and how far each of its addresses moves from
 * one part to the next.
 */
import { sizeOf } from '@neuralode/tensor';
import type { Kernel } from '../compile/library.ts';
import type { CopyKernel } from '../kernels/copy.ts';
import { bytesOf } from '../kernels/elements.ts';
import type { ElementwiseKernel } from '../kernels/elementwise.ts';
import { operationsOf } from '../kernels/expression.ts';
import { type MatMulKernel, orientationOf, scratchBytes } from '../kernels/mat-mul-shape.ts';
import { collapse } from '../kernels/nest.ts';
import type { ReduceKernel } from '../kernels/reduce.ts';

export interface SplitKernel {
  readonly parts: number;
  readonly kernel: Kernel;
  /** Bytes, one for each parameter of the kernel. */
  readonly steps: readonly number[];
}

/** Operations below which a kernel is done sooner than another thread has begun: some ten microseconds of work. */
const least = { elementwise: 60_000, copy: 60_000, reduce: 60_000, matMul: 400_000 };

/** The most parts that work is cut into: two for each thread, so that one that comes late takes fewer. */
export function mostPartsFor(threads: number): number {
  return threads === 1 ? 1 : 2 * threads;
}

/** Into how many equal parts an extent falls for so many threads; 1 where it does not fall into any. */
export function partsFor(extent: number, threads: number): number {
  if (extent === 0) return 1;
  let parts = mostPartsFor(threads);
  while (extent % parts > 0) parts--;
  return parts;
}

/** Undefined where a kernel is too small, or does not fall into equal parts. */
export function splitKernel(kernel: Kernel, threads: number): SplitKernel | undefined {
  switch (kernel.kind) {
    case 'elementwise':
      return splitElementwise(kernel, threads);
    case 'matMul':
      return splitMatMul(kernel, threads);
    case 'reduce':
      return splitReduce(kernel, threads);
    case 'copy':
      return splitCopy(kernel, threads);
    default:
      return undefined;
  }
}

function splitElementwise(kernel: ElementwiseKernel, threads: number): SplitKernel | undefined {
  const { shape, operands, members, stored, sums } = kernel;
  const total = sizeOf(shape);
  // a sum's roundings would depend on the number of threads
  if (sums.length > 0 || total * operationsOf(members) < least.elementwise) return undefined;
  const own = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
  const flat = collapse(shape, [...operands.map(({ strides }) => strides), own]);
  const [extent, ...rest] = flat.extents;
  const parts = partsFor(extent, threads);
  if (parts === 1) return undefined;
  const share = extent / parts;
  const moved = operands.map(({ dtype }, i) => ({ dtype, strides: flat.strides[i] }));
  return {
    parts,
    kernel: { ...kernel, shape: [share, ...rest], operands: moved },
    steps: [
      ...moved.map(({ dtype, strides }) => strides[0] * share * bytesOf(dtype)),
      ...stored.map((member) => (total / parts) * bytesOf(members[member].dtype)),
    ],
  };
}

function splitMatMul(kernel: MatMulKernel, threads: number): SplitKernel | undefined {
  const { m, k, n, dtype, aRow, batch, operands, members, stored } = kernel;
  const parts = partsFor(m, threads);
  if (batch.length > 0 || parts === 1 || 2 * m * k * n < least.matMul) return undefined;
  const rows = m / parts;
  const share: MatMulKernel = { ...kernel, m: rows };
  if (orientationOf(kernel) !== 'columns' || orientationOf(share) !== 'columns') return undefined;
  const scratch = scratchBytes(share);
  // whether it needs scratch depends on its rows
  if (scratch > 0 !== scratchBytes(kernel) > 0) return undefined;
  const perRow = { full: n, column: 1, row: 0, scalar: 0 };
  return {
    parts,
    kernel: share,
    steps: [
      rows * aRow * bytesOf(dtype),
      0,
      ...operands.map((each) => rows * perRow[each.pattern] * bytesOf(each.dtype)),
      ...stored.map((member) => rows * n * bytesOf(member < 0 ? dtype : members[member].dtype)),
      ...(scratch > 0 ? [scratch] : []),
    ],
  };
}

function splitReduce(kernel: ReduceKernel, threads: number): SplitKernel | undefined {
  const { op, dtype, shape, axes } = kernel;
  const parts = axes.includes(0) ? 1 : partsFor(shape[0], threads);
  if (parts === 1 || sizeOf(shape) < least.reduce) return undefined;
  const [extent, ...rest] = shape;
  const kept = sizeOf(rest.filter((_, i) => !axes.includes(i + 1)));
  const share = extent / parts;
  return {
    parts,
    kernel: { ...kernel, shape: [share, ...rest] },
    steps: [
      share * sizeOf(rest) * bytesOf(dtype),
      share * kept * bytesOf(op === 'argMax' ? 'int32' : dtype),
    ],
  };
}

function splitCopy(kernel: CopyKernel, threads: number): SplitKernel | undefined {
  const { dtype, shape, fromStrides, toStrides } = kernel;
  const parts = shape.length === 0 ? 1 : partsFor(shape[0], threads);
  if (parts === 1 || sizeOf(shape) < least.copy) return undefined;
  const share = shape[0] / parts;
  const step = (strides: readonly number[]): number => share * strides[0] * bytesOf(dtype);
  return {
    parts,
    kernel: { ...kernel, shape: [share, ...shape.slice(1)] },
    steps: [step(fromStrides), step(toStrides)],
  };
}
