/**
 * Broadcasting as rows: how two operands run beside a result, for kernels that take a block of rows at a time.
 */

/** How two operands run beside a result: extents, and the operands' strides in bytes (0 where one is repeated). */
export interface Walk {
  readonly extents: readonly number[];
  readonly aStrides: readonly number[];
  readonly bStrides: readonly number[];
  readonly elementBytes: number;
}

/** Does one block of rows of the result, at `out`. */
export type RowBlock = (
  a: number,
  aRow: number,
  aStep: number,
  b: number,
  bRow: number,
  bStep: number,
  out: number,
  rows: number,
  columns: number,
) => void;

/** Merges neighbouring axes over which the same operands are repeated. */
export function walk(
  aShape: readonly number[],
  bShape: readonly number[],
  shape: readonly number[],
  elementBytes = 4,
): Walk {
  const extents: number[] = [];
  const aStrides: number[] = [];
  const bStrides: number[] = [];
  let aSize = elementBytes;
  let bSize = elementBytes;
  for (let back = 1; back <= shape.length; back++) {
    const extent = shape[shape.length - back];
    if (extent === 1) continue;
    const aRepeats = back > aShape.length || aShape[aShape.length - back] === 1;
    const bRepeats = back > bShape.length || bShape[bShape.length - back] === 1;
    const joins =
      extents.length > 0 && aRepeats === (aStrides[0] === 0) && bRepeats === (bStrides[0] === 0);
    if (joins) {
      extents[0] *= extent;
    } else {
      extents.unshift(extent);
      aStrides.unshift(aRepeats ? 0 : aSize);
      bStrides.unshift(bRepeats ? 0 : bSize);
    }
    if (!aRepeats) aSize *= extent;
    if (!bRepeats) bSize *= extent;
  }
  return { extents, aStrides, bStrides, elementBytes };
}

/** The last two runs go to the kernel as rows; runs before them are looped over here. Returns where `out` ended. */
export function runRows(
  run: RowBlock,
  path: Walk,
  a: number,
  b: number,
  out: number,
  depth = 0,
): number {
  const { extents, aStrides, bStrides, elementBytes } = path;
  const left = extents.length - depth;
  if (left === 0) {
    run(a, 0, 0, b, 0, 0, out, 1, 1);
    return out + elementBytes;
  }
  if (left <= 2) {
    const row = depth;
    const last = extents.length - 1;
    const rows = left === 2 ? extents[row] : 1;
    run(
      a,
      aStrides[row],
      aStrides[last],
      b,
      bStrides[row],
      bStrides[last],
      out,
      rows,
      extents[last],
    );
    return out + rows * extents[last] * elementBytes;
  }
  let next = out;
  for (let i = 0; i < extents[depth]; i++) {
    const aHere = a + i * aStrides[depth];
    next = runRows(run, path, aHere, b + i * bStrides[depth], next, depth + 1);
  }
  return next;
}
