/**
 * broadcastTo, and `where` on top of it. The stock Tile takes 60 ns an element.
 */
import type { Block, Kernel, KernelTable, Workbench } from '@neuralode/backend-tfjs';
import { sharedKernels } from '@neuralode/backend-tfjs';
import { sameShape } from '@neuralode/tensor';
import type { Heap } from './heap.ts';
import type { OwnKernels } from './kernels.ts';
import { type RowBlock, runRows, walk } from './rows.ts';

export function broadcasts(own: OwnKernels, heap: Heap): KernelTable {
  const words = rowsBy(own.copyRows);
  const bytes = rowsBy(own.copyByteRows);

  const spread = (bench: Workbench, x: Block, shape: readonly number[]): Block => {
    if (sameShape(x.shape, shape)) return x;
    const out = heap.result(bench, { shape, dtype: x.dtype });
    const isByte = x.dtype === 'bool';
    const path = walk(x.shape, shape, shape, isByte ? 1 : 4);
    runRows(isByte ? bytes : words, path, heap.at(x), 0, heap.at(out));
    return out;
  };

  const broadcastTo: Kernel<undefined> = (bench, [x], _attrs, { shape }) => spread(bench, x, shape);

  const where: Kernel<undefined> = (bench, inputs, attrs, result) => {
    const alike = inputs.map((input) => spread(bench, input, result.shape));
    return sharedKernels.where(bench, alike, attrs, result);
  };

  return { broadcastTo, where };
}

/** The second operand, which has the shape of the result, is not looked at. */
function rowsBy(copy: OwnKernels['copyRows']): RowBlock {
  return (x, row, step, _b, _bRow, _bStep, out, rows, columns) =>
    copy(x, row, step, out, rows, columns);
}
