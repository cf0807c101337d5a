/** The extents of a matrix product, what its kernel is told, and how its vectors lie. */
import type { DType, FloatDType } from '@neuralode/tensor';
import { bytesOf } from './elements.ts';
import type { Member } from './expression.ts';
import { vectorsPerTile } from './tile.ts';

/** How an operand of the expression lies to the product: an element each, one a column, one a row, or one for all. */
export type Pattern = 'full' | 'row' | 'column' | 'scalar';

/** The extents and strides (in elements) of one product. */
export interface MatMulShape {
  readonly dtype: FloatDType;
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly aRow: number;
  readonly aColumn: number;
  readonly bRow: number;
  readonly bColumn: number;
  /** Products beside each other: their extents, and the strides of a and b from one to the next. */
  readonly batch: readonly number[];
  readonly aBatch: readonly number[];
  readonly bBatch: readonly number[];
}

/** Parameters of the function: the addresses of a, b, the operands, the results, and scratch. */
export interface MatMulKernel extends MatMulShape {
  readonly kind: 'matMul';
  /** Operands of the expression; its operand 0 is the product, the others are these. */
  readonly operands: readonly { readonly dtype: DType; readonly pattern: Pattern }[];
  readonly members: readonly Member[];
  /** Members whose values are stored; −1 is the product itself. */
  readonly stored: readonly number[];
}

/** Along what a product's vectors lie. */
export type Orientation = 'columns' | 'rows' | 'sums';

/** How many elements a vector holds. */
export function lanesOf(dtype: FloatDType): 4 | 2 {
  return dtype === 'float32' ? 4 : 2;
}

export function orientationOf({ dtype, m, n, aRow, aColumn }: MatMulShape): Orientation {
  const lanes = lanesOf(dtype);
  if (n >= lanes) return 'columns';
  return aRow === 1 && aColumn !== 1 && m >= lanes ? 'rows' : 'sums';
}

/** Whether columns of b are copied to scratch, panel by panel. */
export function packs({ dtype, m, k, n, bColumn }: MatMulShape): boolean {
  return bColumn !== 1 || (m >= 32 && k * n * bytesOf(dtype) > 16384);
}

/** Bytes of scratch that a product needs. */
export function scratchBytes(shape: MatMulShape): number {
  const { dtype, k, n, bRow } = shape;
  const size = bytesOf(dtype);
  switch (orientationOf(shape)) {
    case 'columns':
      return packs(shape) ? k * 16 * vectorsPerTile : 0;
    case 'sums':
      return bRow === 1 ? 0 : k * n * size;
    case 'rows':
      return 0;
  }
}
