/**
 * The product of a matrix, transposed, with another: for each pair of their columns, the sum over rows of both elements'
 * products, added to what is in memory. Tiles of it stay in registers over all rows.
 */
import type { Lanes } from '../vector/lanes.ts';
import { bytesOf, loadLanes, loadSplat } from './elements.ts';
import { nest, offset, type Pointer, pointer } from './nest.ts';
import {
  addProducts,
  beginSums,
  rowsByVectors,
  storeRows,
  tiles,
  vectorsOf,
  vectorsPerTile,
} from './tile.ts';

/** A matrix whose columns lie side by side, and whose rows follow each other as the pointer moves. */
interface Columns {
  readonly from: Pointer;
  readonly columns: number;
}

/** Adds leftᵀ · right to the matrix [left's columns, right's columns] at the address in `to`; rows are all of `extents`. */
export function addTransposedProduct(
  v: Lanes,
  extents: readonly number[],
  left: Columns,
  right: Columns,
  to: number,
): void {
  const { f, dtype, count } = v;
  const size = bytesOf(dtype);
  const line = right.columns * size;
  tiles(f, right.columns, vectorsPerTile * count, (column, columns) => {
    const vectors = vectorsOf(columns, count);
    const factors = offset(f, right.from.local, column, size);
    const results = offset(f, to, column, size);
    tiles(f, left.columns, rowsByVectors[vectors.length], (row, rows) => {
      const target = offset(f, results, row, line);
      const sums = beginSums(f, rows, vectors.length, (r, i) =>
        loadLanes(f, dtype, count, vectors[i], target, r * line + i * 16),
      );
      const scalars = pointer(f, offset(f, left.from.local, row, size), left.from.steps);
      const weights = pointer(f, factors, right.from.steps);
      nest(f, extents, [scalars, weights], () =>
        addProducts(
          f,
          v,
          sums,
          (r) => loadSplat(f, dtype, count, scalars.local, r * size),
          (i) => loadLanes(f, dtype, count, vectors[i], weights.local, i * 16),
        ),
      );
      storeRows(v, sums, vectors, (r) => [target, r * line]);
    });
  });
}
