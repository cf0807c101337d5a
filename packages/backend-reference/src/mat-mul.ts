/** Matrix product, `[…, m, k] × […, k, n]`, with leading extents that broadcast. */
import { type HostArray, sizeOf } from '@neuralode/tensor';
import type { Kernel } from './kernel.ts';
import { broadcastStrides, offsetsOf } from './strided.ts';

/** Row `i` of the product of one pair of matrices, in float64: a sum of rows of `b`, so that all reads go forward. */
function productRow(
  row: Float64Array,
  a: HostArray,
  aStart: number,
  k: number,
  b: HostArray,
  bStart: number,
): void {
  const n = row.length;
  row.fill(0);
  for (let p = 0; p < k; p++) {
    // no short cut for zero: zero times NaN is NaN
    const factor = a[aStart + p];
    const start = bStart + p * n;
    for (let j = 0; j < n; j++) row[j] += factor * b[start + j];
  }
}

const matMul: Kernel = ([a, b], _, out) => {
  const [m, n] = out.shape.slice(-2);
  const k = a.shape[a.shape.length - 1];
  const batch = out.shape.slice(0, -2);
  const aMatrices = offsetsOf(batch, broadcastStrides(a.shape.slice(0, -2), batch));
  const bMatrices = offsetsOf(batch, broadcastStrides(b.shape.slice(0, -2), batch));
  const row = new Float64Array(n);
  for (let matrix = 0; matrix < sizeOf(batch); matrix++) {
    for (let i = 0; i < m; i++) {
      const aStart = (aMatrices[matrix] * m + i) * k;
      productRow(row, a.data, aStart, k, b.data, bMatrices[matrix] * k * n);
      out.data.set(row, (matrix * m + i) * n);
    }
  }
};

export const matMulKernels: Record<string, Kernel> = { matMul };
