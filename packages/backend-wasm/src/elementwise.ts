/**
 * Elementwise kernels of our own, where the stock ones are wrong (sin, cos, log1p, sign, maximum, minimum) or slow.
 */
import type { Block, Kernel, KernelTable } from '@neuralode/backend-tfjs';
import { sharedKernels } from '@neuralode/backend-tfjs';
import { sameShape, sizeOf } from '@neuralode/tensor';
import type { Heap } from './heap.ts';
import { binaryNames, exponentialNames, type OwnKernels, unaryNames } from './kernels.ts';
import { type RowBlock, runRows, walk } from './rows.ts';

export function elementwise(own: OwnKernels, heap: Heap): KernelTable {
  const table: Record<string, Kernel<undefined>> = {};
  for (const name of binaryNames) table[name] = binary(own[name], heap, sharedKernels[name]);
  for (const name of unaryNames) table[name] = unary(own[name], heap, sharedKernels[name]);
  for (const name of exponentialNames) {
    const kernel = own[name];
    if (kernel !== undefined) table[name] = unary(kernel, heap, sharedKernels[name]);
  }
  return table;
}

function unary(
  run: OwnKernels['sin'],
  heap: Heap,
  otherwise: Kernel<undefined>,
): Kernel<undefined> {
  return (bench, inputs, attrs, result) => {
    if (result.dtype !== 'float32') return otherwise(bench, inputs, attrs, result);
    const out = heap.result(bench, result);
    run(heap.at(inputs[0]), heap.at(out), sizeOf(result.shape));
    return out;
  };
}

function binary(run: RowBlock, heap: Heap, otherwise: Kernel<undefined>): Kernel<undefined> {
  return (bench, inputs, attrs, result) => {
    if (result.dtype !== 'float32') return otherwise(bench, inputs, attrs, result);
    const [a, b] = inputs;
    const out = heap.result(bench, result);
    const count = sizeOf(result.shape);
    const aStep = stepOf(a, count, result.shape);
    const bStep = stepOf(b, count, result.shape);
    if (aStep !== undefined && bStep !== undefined) {
      run(heap.at(a), 0, aStep, heap.at(b), 0, bStep, heap.at(out), 1, count);
    } else {
      runRows(run, walk(a.shape, b.shape, result.shape), heap.at(a), heap.at(b), heap.at(out));
    }
    return out;
  };
}

/** The step of an operand that can be run through in one row: its own shape, or one number; else undefined. */
function stepOf(x: Block, count: number, shape: readonly number[]): number | undefined {
  if (sameShape(x.shape, shape)) return 4;
  const size = sizeOf(x.shape);
  if (size === count) return 4;
  return size === 1 ? 0 : undefined;
}
