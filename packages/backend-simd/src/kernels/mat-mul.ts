/**
 * A matrix product [m, k] × [k, n] with whatever elementwise expression follows it, in registers.
 *
 * A matrix is given by its strides, so a transposed one is no copy; where neighbouring columns of b do not lie side by side
 * (or are far apart in a large b), a panel of it is first put in order. Products with too few columns for a vector are sums
 * along k instead, and where both a is transposed and b is narrow the transposed product is made.
 */
import { FunctionWriter } from '../wasm/function-writer.ts';
import { bytesOf } from './elements.ts';
import { Evaluator } from './expression.ts';
import { lanesOf, type MatMulKernel, orientationOf, scratchBytes } from './mat-mul-shape.ts';
import { alongSums } from './mat-mul-sums.ts';
import { alongColumns, alongRows } from './mat-mul-tiles.ts';
import { nest, pointer } from './nest.ts';
import type { ProductCode } from './product-code.ts';

export function matMulFunction(kernel: MatMulKernel, fused: boolean): FunctionWriter {
  const { batch, aBatch, bBatch, m, n, dtype, operands, stored } = kernel;
  const first = 2 + operands.length;
  const scratch = first + stored.length;
  const f = new FunctionWriter(new Array(scratch + (scratchBytes(kernel) > 0 ? 1 : 0)).fill('i32'));
  const evaluator = new Evaluator(f, lanesOf(dtype), fused);
  const results = stored.map((_, i) => first + i);
  const code = { f, kernel, evaluator, v: evaluator[dtype], a: 0, b: 1, results, scratch };
  if (batch.length === 0) {
    oneProduct(code);
    return f;
  }
  const size = bytesOf(dtype);
  const bytes = (strides: readonly number[]): number[] => strides.map((stride) => stride * size);
  const own = batch.map((_, i) => batch.slice(i + 1).reduce((a, b) => a * b, m * n));
  const a = pointer(f, 0, bytes(aBatch));
  const b = pointer(f, 1, bytes(bBatch));
  const out = pointer(f, results[0], bytes(own));
  const each = { ...code, a: a.local, b: b.local, results: [out.local, ...results.slice(1)] };
  nest(f, batch, [a, b, out], () => oneProduct(each));
  return f;
}

function oneProduct(code: ProductCode): void {
  const { m, n } = code.kernel;
  if (m === 0 || n === 0) return;
  switch (orientationOf(code.kernel)) {
    case 'columns':
      alongColumns(code);
      break;
    case 'rows':
      alongRows(code);
      break;
    case 'sums':
      alongSums(code);
      break;
  }
}
