/**
 * slice by our own kernel. The stock one copies its whole input out of the heap first, so that a loop over the rows of a
 * stack takes the square of its length.
 */
import type { Kernel, KernelTable } from '@neuralode/backend-tfjs';
import { sharedKernels } from '@neuralode/backend-tfjs';
import { type SliceAttrs, sizeOf } from '@neuralode/tensor';
import type { Heap } from './heap.ts';
import type { OwnKernels } from './kernels.ts';

export function slices(own: OwnKernels, heap: Heap): KernelTable {
  const slice: Kernel<SliceAttrs> = (bench, inputs, attrs, result) => {
    const [x] = inputs;
    const { begin, size } = attrs;
    const isCut = (extent: number, axis: number): boolean => size[axis] !== extent;
    const first = x.shape.findIndex(isCut);
    if (first < 0) return x;
    const last = x.shape.findLastIndex(isCut);
    // Rows of equal length at equal distances: one axis is cut, or only one slice is taken of all axes before the last.
    const oneAxis = first === last;
    if (!oneAxis && sizeOf(size.slice(0, last)) !== 1) {
      return sharedKernels.slice(bench, inputs, attrs, result);
    }
    const bytes = x.dtype === 'bool' ? 1 : 4;
    const inner = sizeOf(x.shape.slice(last + 1));
    const rows = oneAxis ? sizeOf(size.slice(0, last)) : 1;
    const offset = x.shape.reduce((place, extent, axis) => place * extent + begin[axis], 0);
    const copy = x.dtype === 'bool' ? own.copyByteRows : own.copyRows;
    const out = heap.result(bench, result);
    const stride = x.shape[last] * inner * bytes;
    copy(heap.at(x) + offset * bytes, stride, bytes, heap.at(out), rows, size[last] * inner);
    return out;
  };
  return { slice };
}
