/**
 * matMul: small products by our own kernel, larger ones by XNNPACK, a batch one product after the other (the module's
 * own batched product does not use XNNPACK and is ten times slower).
 */
import type { Block, Kernel, Storage } from '@neuralode/backend-tfjs';
import { sizeOf } from '@neuralode/tensor';
import type { Heap } from './heap.ts';
import type { OwnKernels } from './kernels.ts';
import { walk } from './rows.ts';
import type { TensorIds } from './tensor-ids.ts';

/** Multiplications in a product up to which our own kernel is the faster one. */
const smallWork = 16_384;

export function matMul(own: OwnKernels, heap: Heap, ids: TensorIds): Kernel<undefined> {
  const packed = new WeakMap<Storage, number>();

  /** The number of `b` if XNNPACK may keep it packed for next time. */
  const numberOf = (b: Block, n: number): number | undefined => {
    // its cache goes by the tensor's number alone: the same buffer in another shape would be multiplied as the first
    const known = packed.get(b.storage);
    if (known === undefined) packed.set(b.storage, n);
    return known === undefined || known === n ? heap.idOf(b) : undefined;
  };

  return (bench, [a, b], _attrs, result) => {
    const [m, k] = a.shape.slice(-2);
    const n = b.shape[b.shape.length - 1];
    const out = heap.result(bench, result);
    const isSmall = m * k * n <= smallWork;
    if (sizeOf(b.shape) === k * n) {
      // many matrices times one are one product of all their rows
      const all = { m: sizeOf(a.shape) / k, k, n };
      const [from, by, to] = [heap.at(a), heap.at(b), heap.at(out)];
      if (all.m * k * n <= smallWork) own.smallMatMul(from, by, to, all.m, k, n);
      else heap.multiply(ids, all, from, by, to, numberOf(b, n));
      return out;
    }
    eachPair(a, b, result.shape, (aIndex, bIndex, index) => {
      const from = heap.at(a) + 4 * aIndex * m * k;
      const by = heap.at(b) + 4 * bIndex * k * n;
      const to = heap.at(out) + 4 * index * m * n;
      if (isSmall) own.smallMatMul(from, by, to, m, k, n);
      else heap.multiply(ids, { m, k, n }, from, by, to, undefined);
    });
    return out;
  };
}

/** Calls `use` for every matrix of the result, with the places of the two that it is the product of. */
function eachPair(
  a: Block,
  b: Block,
  shape: readonly number[],
  use: (aIndex: number, bIndex: number, index: number) => void,
): void {
  const batch = shape.slice(0, -2);
  const { extents, aStrides, bStrides } = walk(
    a.shape.slice(0, -2),
    b.shape.slice(0, -2),
    batch,
    1,
  );
  const count = sizeOf(batch);
  for (let index = 0; index < count; index++) {
    let aIndex = 0;
    let bIndex = 0;
    let left = index;
    for (let run = extents.length - 1; run >= 0; run--) {
      const at = left % extents[run];
      left = (left - at) / extents[run];
      aIndex += at * aStrides[run];
      bIndex += at * bStrides[run];
    }
    use(aIndex, bIndex, index);
  }
}
