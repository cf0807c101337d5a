/**
 * Minimal filtering of 3 × 3 windows, two places by two at a time (Winograd 1980, "Arithmetic Complexity of Computations";
 * Lavin, Gray 2016, "Fast Algorithms for Convolutional Neural Networks", section 4.1): sixteen products for four places
 * where the definition takes thirty-six. The points are 0, 1, −1 and ∞, so that transforms add and halve and round little.
 *
 * Along one axis, of pixels d, filter g and places y:  y = Aᵀ[(G g) ∘ (Bᵀ d)]. By the same Bᵀ, three elements of a filter's
 * derivative come of four pixels and the weights of two places.
 */
import type { Lanes } from '../vector/lanes.ts';
import type { Emit } from '../wasm/function-writer.ts';
import { loadLanes, storeLanes } from './elements.ts';

/** Pixels that a tile of places looks at along one axis, which is also how many products it takes. */
export const points = 4;
/** Places of a tile along one axis. */
export const placesPerTile = 2;
/** Elements of a window along one axis. */
export const windowExtent = 3;

/** One axis of a transform. */
export interface Transform {
  /** How many values it takes. */
  readonly extent: number;
  /** From values that are computed already, to such. */
  readonly along: (v: Lanes, values: readonly Emit[]) => Emit[];
}

/** Bᵀ: four pixels. */
export const ofPixels: Transform = {
  extent: points,
  along: (v, [a, b, c, d]) => [
    v.let(v.sub(a, c)),
    v.let(v.add(b, c)),
    v.let(v.sub(c, b)),
    v.let(v.sub(b, d)),
  ],
};

/** G: three elements of a filter. */
export const ofFilter: Transform = {
  extent: windowExtent,
  along: (v, [a, b, c]) => {
    const half = v.splat(0.5);
    const outer = v.let(v.mul(half, v.add(a, c)));
    const inner = v.let(v.mul(half, b));
    return [a, v.let(v.add(outer, inner)), v.let(v.sub(outer, inner)), c];
  },
};

/** Aᵀ: products, to two places. */
export const toPlaces: Transform = {
  extent: points,
  along: (v, [a, b, c, d]) => [v.let(v.add(v.add(a, b), c)), v.let(v.sub(v.sub(b, c), d))],
};

/** G where the filter is the one sought: the weights of two places. */
export const ofWeights: Transform = {
  extent: placesPerTile,
  along: (v, [a, b]) => {
    const half = v.splat(0.5);
    return [a, v.let(v.mul(half, v.add(a, b))), v.let(v.mul(half, v.sub(a, b))), b];
  },
};

/** Aᵀ where the filter is the one sought: products, to its three elements. */
export const toFilter: Transform = {
  extent: points,
  along: (v, [a, b, c, d]) => {
    const sum = v.let(v.add(b, c));
    return [v.let(v.add(a, sum)), v.let(v.sub(b, c)), v.let(v.sub(sum, d))];
  },
};

/** A transform along columns, then along rows; values are given and returned by rows. */
function alongBoth(v: Lanes, { along }: Transform, rows: readonly (readonly Emit[])[]): Emit[][] {
  const columns = rows[0].map((_, column) =>
    along(
      v,
      rows.map((row) => row[column]),
    ),
  );
  return columns[0].map((_, row) =>
    along(
      v,
      columns.map((column) => column[row]),
    ),
  );
}

/** Where values of two axes lie: the address of the first, in a local, and bytes from row to row and from column to column. */
export interface Grid {
  readonly address: number;
  readonly steps: readonly [number, number];
}

const bytesTo = ({ steps }: Grid, row: number, column: number): number =>
  row * steps[0] + column * steps[1];

/** Transforms one grid for each of the first `used` lanes; stores the first rows and columns of the result, or all of it. */
export function transformLanes(
  v: Lanes,
  used: number,
  transform: Transform,
  from: Grid,
  to: Grid,
  [rows, columns]: readonly [rows?: number, columns?: number] = [],
): void {
  const { f, dtype, count } = v;
  const values = Array.from({ length: transform.extent }, (_, row) =>
    Array.from({ length: transform.extent }, (_, column) =>
      v.let(loadLanes(f, dtype, count, used, from.address, bytesTo(from, row, column))),
    ),
  );
  alongBoth(v, transform, values)
    .slice(0, rows)
    .forEach((list, row) => {
      list.slice(0, columns).forEach((value, column) => {
        storeLanes(f, dtype, count, used, to.address, bytesTo(to, row, column), value);
      });
    });
}

/** The same for `total` grids whose values lie side by side: as many lanes at a time as a vector has. */
export function transformGrids(
  v: Lanes,
  total: number,
  transform: Transform,
  from: Grid,
  to: Grid,
  kept?: readonly [rows: number, columns: number],
): void {
  const { f, count } = v;
  const [source, target] = [from, to].map(
    (grid): Grid => ({ ...grid, address: f.let('i32', () => f.get(grid.address)) }),
  );
  const turn = (used: number): void => transformLanes(v, used, transform, source, target, kept);
  const whole = Math.floor(total / count);
  if (whole > 0) {
    f.count(whole, 1, () => {
      turn(count);
      for (const { address } of [source, target]) f.advance(address, 16);
    });
  }
  if (total % count > 0) turn(total % count);
}
