/** Tensors out of a number, out of another dtype, and out of weighted others. */
import type { FillAttrs, WeightsAttrs } from '@neuralode/tensor';
import type { Kernel } from './kernel.ts';

const fill: Kernel = (_, { value }: FillAttrs, out) => {
  out.data.fill(out.dtype === 'bool' && value !== 0 ? 1 : value);
};

/** Beyond its range, int32 stays at its end, and NaN is 0: as WebAssembly's `trunc_sat` and Rust's `as` have it. */
function toInt32(x: number): number {
  return Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, Math.trunc(x)));
}

const cast: Kernel = ([x], _, out) => {
  const from = x.data;
  const to = out.data;
  if (out.dtype === 'bool') for (let i = 0; i < to.length; i++) to[i] = from[i] === 0 ? 0 : 1;
  else if (out.dtype === 'int32') for (let i = 0; i < to.length; i++) to[i] = toInt32(from[i]);
  else to.set(from);
};

const linearCombination: Kernel = (operands, { weights }: WeightsAttrs, out) => {
  const sums = out.dtype === 'float64' ? out.data : new Float64Array(out.data.length);
  operands.forEach(({ data }, term) => {
    const weight = weights[term];
    for (let i = 0; i < sums.length; i++) sums[i] += weight * data[i];
  });
  if (sums !== out.data) out.data.set(sums);
};

export const makeKernels: Record<string, Kernel> = { fill, cast, linearCombination };
