/**
 * Matrix products whose vectors lie along the columns of the result, or, for the transposed product, along its rows: tiles of
 * eight vectors are summed in registers.
 */
import { simd } from '../wasm/simd-opcodes.ts';
import { bytesOf, loadLanes, loadSplat, storeLanes } from './elements.ts';
import { packs } from './mat-mul-shape.ts';
import { alongTerms, copyNumber } from './mat-mul-terms.ts';
import { nest, offset, pointer } from './nest.ts';
import { type ProductCode, storeTile } from './product-code.ts';
import { addProducts, beginSums, rowsByVectors, tiles, vectorsOf, vectorsPerTile } from './tile.ts';

export function alongColumns(code: ProductCode): void {
  const { f, kernel, v } = code;
  const { dtype, m, n, aRow, aColumn, bRow, bColumn } = kernel;
  const size = bytesOf(dtype);
  const packed = packs(kernel);
  const width = vectorsPerTile * v.count;
  tiles(f, n, width, (column, columns) => {
    const vectors = vectorsOf(columns, v.count);
    let b = offset(f, code.b, column, bColumn * size);
    if (packed) {
      packPanel(code, b, columns, width);
      b = code.scratch;
    }
    tiles(f, m, rowsByVectors[vectors.length], (row, rows) => {
      const sums = sumTile(code, {
        rows,
        vectors,
        scalars: offset(f, code.a, row, aRow * size),
        row: aRow,
        along: aColumn,
        b,
        step: packed ? width : bRow,
      });
      storeTile(code, sums, vectors, row, column);
    });
  });
}

/** Copies a panel of b, k rows of `columns`, to rows of `width` in scratch. */
function packPanel(
  { f, kernel, v, scratch }: ProductCode,
  b: number,
  columns: number,
  width: number,
): void {
  const { k, bRow, bColumn, dtype } = kernel;
  const size = bytesOf(dtype);
  const from = pointer(f, b, [bRow * size]);
  const to = pointer(f, scratch, [width * size]);
  nest(f, [k], [from, to], () => {
    if (bColumn === 1) {
      vectorsOf(columns, v.count).forEach((used, i) => {
        const value = loadLanes(f, dtype, v.count, used, from.local, i * 16);
        storeLanes(f, dtype, v.count, v.count, to.local, i * 16, value);
      });
      return;
    }
    for (let column = 0; column < columns; column++) {
      copyNumber(f, size, from.local, column * bColumn, to.local, column);
    }
  });
}

/**
 * Sums of one tile: for each row and vector, Σₚ scalar(row, p) · b(p, vector). `row` and `along` are the strides of the
 * scalars from row to row and along p; `step` that of b along p.
 */
function sumTile(
  { f, kernel, v }: ProductCode,
  tile: {
    rows: number;
    vectors: readonly number[];
    scalars: number;
    row: number;
    along: number;
    b: number;
    step: number;
  },
): number[][] {
  const { k, dtype } = kernel;
  const size = bytesOf(dtype);
  const sums = beginSums(f, tile.rows, tile.vectors.length, () => v.splat(0));
  const scalars = pointer(f, tile.scalars, []).local;
  const b = pointer(f, tile.b, []).local;
  const turn = (p: number): void =>
    addProducts(
      f,
      v,
      sums,
      (r) => loadSplat(f, dtype, v.count, scalars, (r * tile.row + p * tile.along) * size),
      (i) => loadLanes(f, dtype, v.count, tile.vectors[i], b, p * tile.step * size + i * 16),
    );
  alongTerms(f, k, 1, turn, (count) => {
    f.advance(scalars, count * tile.along * size);
    f.advance(b, count * tile.step * size);
  });
  return sums;
}

/** The transposed product: vectors along the rows of the result, stored number by number. Has no expression. */
export function alongRows(code: ProductCode): void {
  const { f, kernel, v } = code;
  const { dtype, m, n, aColumn, bRow, bColumn } = kernel;
  const size = bytesOf(dtype);
  const store = size === 4 ? simd.store32Lane : simd.store64Lane;
  // as many rows of the tile as the product has columns, three at most: eight sums, or six
  tiles(f, m, (n <= 2 ? 4 : 2) * v.count, (row, rows) => {
    const vectors = vectorsOf(rows, v.count);
    const sums = sumTile(code, {
      rows: n,
      vectors,
      scalars: code.b,
      row: bColumn,
      along: bRow,
      b: offset(f, code.a, row, size),
      step: aColumn,
    });
    const out = offset(f, code.results[0], row, n * size);
    for (let column = 0; column < n; column++) {
      vectors.forEach((used, i) => {
        for (let lane = 0; lane < used; lane++) {
          f.get(out);
          f.get(sums[column][i]);
          f.simdMemory(store, ((i * v.count + lane) * n + column) * size, lane);
        }
      });
    }
  });
}
