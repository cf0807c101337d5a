/** A tile of a matrix product: sums in registers, rows by vectors, to which one product of a column and a row is added. */
import type { Lanes } from '../vector/lanes.ts';
import type { Emit, FunctionWriter } from '../wasm/function-writer.ts';
import { storeLanes } from './elements.ts';

/** Vectors that a tile is wide where there is room. */
export const vectorsPerTile = 4;

/**
 * Rows beside each other where a tile is this many vectors wide. Eight sums, the vectors and one scalar at a time fit in the
 * fifteen registers that V8 has on x64; a tile of nine or more spills, and halves the speed.
 */
export const rowsByVectors = [0, 6, 4, 2, 2] as const;

/** How many elements of a stretch of `size` fall in each of its vectors. */
export function vectorsOf(size: number, lanes: number): number[] {
  return Array.from({ length: Math.ceil(size / lanes) }, (_, i) =>
    Math.min(lanes, size - i * lanes),
  );
}

/** Locals of a tile's sums, by row and vector, each begun with `first`. */
export function beginSums(
  f: FunctionWriter,
  rows: number,
  vectors: number,
  first: (row: number, vector: number) => Emit,
): number[][] {
  return Array.from({ length: rows }, (_, row) =>
    Array.from({ length: vectors }, (_, vector) => f.let('v128', first(row, vector))),
  );
}

/** sums[row][vector] += left(row) · right(vector): a scalar in all lanes by a vector. */
export function addProducts(
  f: FunctionWriter,
  v: Lanes,
  sums: readonly (readonly number[])[],
  left: (row: number) => Emit,
  right: (vector: number) => Emit,
): void {
  const vectors = sums[0].map((_, vector) => v.let(right(vector)));
  sums.forEach((row, r) => {
    const scalar = v.let(left(r));
    row.forEach((sum, vector) => {
      v.madd(scalar, vectors[vector], () => f.get(sum))();
      f.set(sum);
    });
  });
}

/** Stores sums of so many elements by vector: each row at an address, in a local, and so many bytes beyond it. */
export function storeRows(
  v: Lanes,
  sums: readonly (readonly number[])[],
  vectors: readonly number[],
  at: (row: number) => readonly [address: number, bytes: number],
): void {
  const { f, dtype, count } = v;
  sums.forEach((list, row) => {
    const [address, bytes] = at(row);
    list.forEach((sum, i) => {
      storeLanes(f, dtype, count, vectors[i], address, bytes + i * 16, () => f.get(sum));
    });
  });
}

/** Runs `body` for stretches of `step`, then for what remains: with a local that holds where the stretch begins. */
export function tiles(
  f: FunctionWriter,
  total: number,
  step: number,
  body: (at: number, size: number) => void,
): void {
  const whole = total - (total % step);
  if (whole > 0) f.count(whole, step, (index) => body(index, step));
  if (total > whole) {
    const index = f.let('i32', () => f.i32(whole));
    body(index, total - whole);
  }
}

/** Runs `body` for stretches of `step`, of `total` or fewer; the last begins early enough to be whole. */
export function wholeTiles(
  f: FunctionWriter,
  total: number,
  step: number,
  body: (first: number) => void,
): void {
  f.count(total, step, (index) => {
    const first = f.let('i32', () => {
      f.get(index);
      f.i32(total - step);
      f.get(index);
      f.i32(total - step);
      f.op(0x48, 0x1b);
    });
    body(first);
  });
}
