/** Matrix products of fewer columns than a vector holds: vectors lie along k, and every element is a sum of lanes. */
import type { Emit } from '../wasm/function-writer.ts';
import { simd } from '../wasm/simd-opcodes.ts';
import { bytesOf, loadLanes } from './elements.ts';
import { alongTerms, copyNumber } from './mat-mul-terms.ts';
import { nest, offset, pointer } from './nest.ts';
import { type ProductCode, storeSums } from './product-code.ts';
import { tiles } from './tile.ts';

/** Rows beside each other. */
const rowsOfSums = 4;

export function alongSums(code: ProductCode): void {
  const { f, kernel } = code;
  const { m, k, n, bRow, bColumn } = kernel;
  const isSideBySide = bRow === 1;
  if (!isSideBySide) packColumns(code);
  const b = isSideBySide ? { at: code.b, stride: bColumn } : { at: code.scratch, stride: k };
  tiles(f, m, rowsOfSums, (row, rows) => {
    storeSums(code, sumLanes(code, row, rows, b), rows * n, row);
  });
}

/** Copies the columns of b to scratch, one after the other. */
function packColumns({ f, kernel, b, scratch }: ProductCode): void {
  const { k, n, bRow, bColumn, dtype } = kernel;
  const size = bytesOf(dtype);
  const from = pointer(f, b, [bRow * size]);
  const to = pointer(f, scratch, [size]);
  nest(f, [k], [from, to], () => {
    for (let column = 0; column < n; column++) {
      copyNumber(f, size, from.local, column * bColumn, to.local, column * k);
    }
  });
}

/** One vector of partial sums for each row and column of a tile; columns of b lie `stride` elements apart. */
function sumLanes(
  code: ProductCode,
  row: number,
  rows: number,
  { at, stride }: { at: number; stride: number },
): number[] {
  const { f, kernel, v } = code;
  const { k, n, aRow, aColumn, dtype } = kernel;
  const size = bytesOf(dtype);
  const zero = v.splat(0);
  const sums = Array.from({ length: rows * n }, () => f.let('v128', zero));
  const a = offset(f, code.a, row, aRow * size);
  const b = pointer(f, at, []).local;
  const turn = (p: number, used: number): void => {
    const right = Array.from({ length: n }, (_, column) =>
      v.let(loadLanes(f, dtype, v.count, used, b, (p + column * stride) * size)),
    );
    for (let r = 0; r < rows; r++) {
      const left = v.let(alongRow(code, a, r * aRow + p * aColumn, used));
      right.forEach((each, column) => {
        const sum = sums[r * n + column];
        v.madd(left, each, () => f.get(sum))();
        f.set(sum);
      });
    }
  };
  const whole = Math.floor(k / v.count);
  alongTerms(
    f,
    whole,
    v.count,
    (p) => turn(p, v.count),
    (count) => {
      f.advance(a, count * aColumn * size);
      f.advance(b, count * size);
    },
  );
  // a loop of its own has moved the pointers on
  const beside = whole <= 2 ? whole * v.count : 0;
  if (k % v.count > 0) turn(beside, k % v.count);
  return sums;
}

/** Neighbours of a row of a, which need not lie side by side. */
function alongRow(
  { f, kernel, v }: ProductCode,
  address: number,
  element: number,
  used: number,
): Emit {
  const { dtype, aColumn } = kernel;
  const size = bytesOf(dtype);
  if (aColumn === 1) return loadLanes(f, dtype, v.count, used, address, element * size);
  const vector = f.let('v128', () => v.splat(0)());
  const opcode = size === 4 ? simd.load32Lane : simd.load64Lane;
  for (let lane = 0; lane < used; lane++) {
    f.get(address);
    f.get(vector);
    f.simdMemory(opcode, (element + lane * aColumn) * size, lane);
    f.set(vector);
  }
  return () => f.get(vector);
}
