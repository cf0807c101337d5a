/** Slices picked and added by integer indices. */
import {
  ArgumentError,
  type AxisAttrs,
  type ScatterAttrs,
  type Shape,
  sizeOf,
} from '@neuralode/tensor';
import type { Block, Kernel } from './kernel.ts';

/** How many blocks there are before `axis`, and how many elements one index along it spans. */
function around(shape: Shape, axis: number): [outer: number, inner: number] {
  return [sizeOf(shape.slice(0, axis)), sizeOf(shape.slice(axis + 1))];
}

/** A device may read or write anything at an index outside; the oracle says so instead. */
function checkIndices({ data }: Block, extent: number, what: string): void {
  for (let i = 0; i < data.length; i++) {
    if (data[i] >= 0 && data[i] < extent) continue;
    throw new ArgumentError({
      what: `${what}: an index is outside the axis`,
      got: `${data[i]} at position ${i}`,
      expected: extent === 0 ? 'no index at all' : `0 to ${extent - 1}`,
    });
  }
}

const gather: Kernel = ([x, indices], { axis }: AxisAttrs, out) => {
  const extent = x.shape[axis];
  checkIndices(indices, extent, 'gather');
  const [outer, inner] = around(x.shape, axis);
  let next = 0;
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < indices.data.length; i++) {
      const start = (o * extent + indices.data[i]) * inner;
      for (let k = 0; k < inner; k++) out.data[next++] = x.data[start + k];
    }
  }
};

const scatterAdd: Kernel = ([x, indices], { axis, size }: ScatterAttrs, out) => {
  checkIndices(indices, size, 'scatterAdd');
  const [outer, inner] = around(x.shape, axis);
  // float32 gathers its sums in float64 and rounds once
  const sums = out.dtype === 'float32' ? new Float64Array(out.data.length) : out.data;
  let next = 0;
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < indices.data.length; i++) {
      const start = (o * size + indices.data[i]) * inner;
      for (let k = 0; k < inner; k++) sums[start + k] += x.data[next++];
    }
  }
  if (sums !== out.data) out.data.set(sums);
};

export const indexKernels: Record<string, Kernel> = { gather, scatterAdd };
