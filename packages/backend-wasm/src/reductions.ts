/**
 * sum, max and argMax by our own kernels: no transpose, sums gathered in float64, NaN kept.
 */
import type { Block, DeviceDType, Kernel, KernelTable, Workbench } from '@neuralode/backend-tfjs';
import { aroundAxis, mergeRuns } from '@neuralode/backend-tfjs';
import type { AxesAttrs, AxisAttrs } from '@neuralode/tensor';
import type { Heap } from './heap.ts';
import type { OwnKernels } from './kernels.ts';

type Reduction = OwnKernels['sum'];

export function reductions(own: OwnKernels, heap: Heap): KernelTable {
  const maxima = { float32: own.maxFloat, int32: own.maxInt, bool: own.maxByte };
  const places = { float32: own.argMaxFloat, int32: own.argMaxInt, bool: own.argMaxByte };
  const over = (run: Reduction, bench: Workbench, x: Block, axes: readonly number[]) =>
    reduceRuns(run, heap, bench, x, axes);

  const sum: Kernel<AxesAttrs> = (bench, [x], { axes }) =>
    over(x.dtype === 'float32' ? own.sum : own.sumInt, bench, x, axes);
  const max: Kernel<AxesAttrs> = (bench, [x], { axes }) => over(maxima[x.dtype], bench, x, axes);
  const argMax: Kernel<AxisAttrs> = (bench, [x], { axis }) =>
    reduceOne(places[x.dtype], heap, bench, x, aroundAxis(x.shape, axis), 'int32');
  return { sum, max, argMax };
}

/** Reduces the last run of neighbouring axes, then the one before it, until none is left (mostly there is one). */
function reduceRuns(
  run: Reduction,
  heap: Heap,
  bench: Workbench,
  x: Block,
  axes: readonly number[],
): Block {
  const { extents, marked } = mergeRuns(x.shape, (axis) => axes.includes(axis));
  const left = [...extents];
  let value = x;
  for (let at = left.length - 1; at >= 0; at--) {
    if (!marked[at]) continue;
    value = reduceOne(run, heap, bench, value, aroundAxis(left, at), x.dtype);
    left[at] = 1;
  }
  return value;
}

function reduceOne(
  run: Reduction,
  heap: Heap,
  bench: Workbench,
  x: Block,
  [outer, extent, inner]: readonly [number, number, number],
  dtype: DeviceDType,
): Block {
  const out = heap.result(bench, { shape: [outer, inner], dtype });
  run(heap.at(x), heap.at(out), outer, extent, inner);
  return out;
}
