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

/** Pixels that a tile of places looks at along one axis, which is also how many products it takes. */
export const points = 4;
/** Places of a tile along one axis. */
export const placesPerTile = 2;
/** Elements of a window along one axis. */
export const windowExtent = 3;

/** One axis of a transform: values that are computed already, to such. */
type Transform = (v: Lanes, values: readonly Emit[]) => Emit[];

/** Bᵀ: four pixels. */
export const ofPixels: Transform = (v, [a, b, c, d]) => [
  v.let(v.sub(a, c)),
  v.let(v.add(b, c)),
  v.let(v.sub(c, b)),
  v.let(v.sub(b, d)),
];

/** G: three elements of a filter. */
export const ofFilter: Transform = (v, [a, b, c]) => {
  const half = v.splat(0.5);
  const outer = v.let(v.mul(half, v.add(a, c)));
  const inner = v.let(v.mul(half, b));
  return [a, v.let(v.add(outer, inner)), v.let(v.sub(outer, inner)), c];
};

/** Aᵀ: products, to two places. */
export const toPlaces: Transform = (v, [a, b, c, d]) => [
  v.let(v.add(v.add(a, b), c)),
  v.let(v.sub(v.sub(b, c), d)),
];

/** G where the filter is the one sought: the weights of two places. */
export const ofWeights: Transform = (v, [a, b]) => {
  const half = v.splat(0.5);
  return [a, v.let(v.mul(half, v.add(a, b))), v.let(v.mul(half, v.sub(a, b))), b];
};

/** Aᵀ where the filter is the one sought: products, to its three elements. */
export const toFilter: Transform = (v, [a, b, c, d]) => {
  const sum = v.let(v.add(b, c));
  return [v.let(v.add(a, sum)), v.let(v.sub(b, c)), v.let(v.sub(sum, d))];
};

/** A transform along columns, then along rows; values are given and returned by rows. */
export function alongBoth(
  v: Lanes,
  transform: Transform,
  rows: readonly (readonly Emit[])[],
): Emit[][] {
  const columns = rows[0].map((_, column) =>
    transform(
      v,
      rows.map((row) => row[column]),
    ),
  );
  return columns[0].map((_, row) =>
    transform(
      v,
      columns.map((column) => column[row]),
    ),
  );
}
