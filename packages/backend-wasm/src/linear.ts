/**
 * linearCombination, gather and scatterAdd by our own kernels.
 */
import type { Block, Kernel, KernelTable } from '@neuralode/backend-tfjs';
import { aroundAxis, sharedKernels } from '@neuralode/backend-tfjs';
import type { AxisAttrs, ScatterAttrs, WeightsAttrs } from '@neuralode/tensor';
import { ArgumentError, sizeOf } from '@neuralode/tensor';
import type { Heap } from './heap.ts';
import type { OwnKernels } from './kernels.ts';

export function linear(own: OwnKernels, heap: Heap): KernelTable {
  const linearCombination: Kernel<WeightsAttrs> = (bench, inputs, { weights }, result) => {
    const out = heap.result(bench, result);
    const terms = heap.arguments(8 * inputs.length, (view) => {
      for (let i = 0; i < inputs.length; i++) {
        view.setUint32(8 * i, heap.at(inputs[i]), true);
        view.setFloat32(8 * i + 4, weights[i], true);
      }
    });
    own.linearCombination(terms, inputs.length, heap.at(out), sizeOf(result.shape));
    return out;
  };

  const gather: Kernel<AxisAttrs> = (bench, inputs, attrs, result) => {
    requireInside(heap, inputs[1], inputs[0].shape[attrs.axis], 'gather');
    return sharedKernels.gather(bench, inputs, attrs, result);
  };

  const scatterAdd: Kernel<ScatterAttrs> = (bench, inputs, attrs, result) => {
    const [x, indices] = inputs;
    requireInside(heap, indices, attrs.size, 'scatterAdd');
    if (x.dtype !== 'float32') return sharedKernels.scatterAdd(bench, inputs, attrs, result);
    const [outer, extent, inner] = aroundAxis(x.shape, attrs.axis);
    const out = heap.result(bench, result);
    // room for as many float64
    const sums = heap.at(bench.filled(0, [2 * sizeOf(result.shape)], 'float32'));
    const [from, at, to] = [heap.at(x), heap.at(indices), heap.at(out)];
    own.scatterAdd(from, at, sums, to, outer, extent, attrs.size, inner);
    return out;
  };

  return { linearCombination, gather, scatterAdd };
}

/** The kernels read and write wherever an index points. */
function requireInside(heap: Heap, indices: Block, extent: number, what: string): void {
  const values = heap.integers(indices, sizeOf(indices.shape));
  const position = values.findIndex((index) => index < 0 || index >= extent);
  if (position < 0) return;
  throw new ArgumentError({
    what: `${what}: an index is outside the axis`,
    got: `${values[position]} at position ${position}`,
    expected: extent === 0 ? 'no index at all' : `0 to ${extent - 1}`,
  });
}
