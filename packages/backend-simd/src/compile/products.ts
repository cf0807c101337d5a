/** Matrix products as the nodes of a graph ask for them, and how their operands lie. */
import type { GraphNode, Value } from '@neuralode/tensor';
import { laneCount } from '../kernels/expression.ts';
import type { MatMulShape, Pattern } from '../kernels/mat-mul-shape.ts';
import { broadcastStrides } from '../kernels/nest.ts';
import type { View, Views } from './views.ts';

/** A matrix product, its operands as they lie in memory. */
export interface Product {
  readonly value: Value;
  readonly a: View;
  readonly b: View;
  readonly extents: MatMulShape;
}

export function productOf(
  { inputs: [left, right], outputs: [value] }: GraphNode,
  views: Views,
): Product {
  const a = views.matrixOf(left);
  const b = views.matrixOf(right);
  const extents = productExtents(value, left, right, a.transposed, b.transposed);
  return { value, a: a.view, b: b.view, extents };
}

/** A product of so few terms that it is an elementwise operation, on columns of a and rows of b. */
export const fewTerms = 2;

export function isNarrow({ dtype, batch, k, n }: MatMulShape): boolean {
  return batch.length === 0 && k > 0 && k <= fewTerms && n >= laneCount([dtype]);
}

/** How an operand of shape `from` lies to a product seen as `to`; undefined where none of the patterns fits. */
export function patternOf(from: readonly number[], to: readonly number[]): Pattern | undefined {
  const strides = broadcastStrides(from, to);
  const own = broadcastStrides(to, to);
  const n = to.at(-1) as number;
  const lead = strides.slice(0, -1);
  const still = lead.every((stride) => stride === 0);
  const along = strides.at(-1) as number;
  const moves = (by: number): boolean =>
    lead.every((stride, axis) => to[axis] === 1 || stride === own[axis] / by);
  if (along === 0 && n !== 1) return still ? 'scalar' : moves(n) ? 'column' : undefined;
  if (moves(1)) return 'full';
  if (still) return n === 1 ? 'scalar' : 'row';
  return undefined;
}

function productExtents(
  product: Value,
  left: Value,
  right: Value,
  aTransposed: boolean,
  bTransposed: boolean,
): MatMulShape {
  const [m, k] = left.shape.slice(-2);
  const n = right.shape.at(-1) as number;
  const matrices = (shape: readonly number[]): readonly number[] => shape.slice(0, -2);
  const scaled = (shape: readonly number[], by: number): number[] =>
    broadcastStrides(matrices(shape), matrices(product.shape)).map((stride) => stride * by);
  return {
    dtype: product.dtype as 'float32' | 'float64',
    m,
    k,
    n,
    aRow: aTransposed ? 1 : k,
    aColumn: aTransposed ? m : 1,
    bRow: bTransposed ? 1 : n,
    bColumn: bTransposed ? k : 1,
    batch: matrices(product.shape),
    aBatch: scaled(left.shape, m * k),
    bBatch: scaled(right.shape, k * n),
  };
}
