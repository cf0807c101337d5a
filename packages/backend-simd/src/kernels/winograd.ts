/**
 * Convolution with 3 × 3 windows by minimal filtering: tiles of pixels are transformed, multiplied by transformed filters
 * (for each of the sixteen points a matrix product over tiles, channels and filters), and transformed back.
 *
 * Some pictures are worked on together: enough tiles that a product's filters are not read for a few rows only, and so few
 * that what is transformed stays in the nearer caches.
 */
import { Lanes } from '../vector/lanes.ts';
import { FunctionWriter } from '../wasm/function-writer.ts';
import { panelWidth } from './correlation.ts';
import { bytesOf, loadLanes, loadSplat } from './elements.ts';
import { nest, offset, pointer } from './nest.ts';
import { type Framed, framePicture, framedExtents } from './picture-frame.ts';
import {
  addProducts,
  beginSums,
  rowsByVectors,
  storeRows,
  tiles,
  vectorsOf,
  wholeTiles,
} from './tile.ts';
import {
  ofFilter,
  ofPixels,
  placesPerTile,
  points,
  type Transform,
  toPlaces,
  transformGrids,
  transformLanes,
  windowExtent,
} from './winograd-transforms.ts';

type Pair = readonly [rows: number, columns: number];

/** Pictures that are worked on together, in frames that whole tiles fit into. */
export interface TiledPictures extends Framed {
  /** Tiles of a picture. */
  readonly tiles: Pair;
  /** Pictures worked on together; a divisor of the batch. */
  readonly together: number;
}

/** Parameters of the function: the addresses of pictures, transformed filters, result, a frame of zeros, and of scratch. */
export interface WinogradKernel extends TiledPictures {
  readonly kind: 'winograd';
  readonly outputs: number;
  /** Rows and columns of the result. */
  readonly result: Pair;
}

/** Parameters of the function: the addresses of panels of filters, and of the same transformed. */
export interface WinogradFiltersKernel {
  readonly kind: 'winogradFilters';
  readonly dtype: 'float32' | 'float64';
  readonly channels: number;
  readonly outputs: number;
}

/** Products that a tile takes. */
export const products = points * points;

/** A line of the cache, in bytes. */
const cacheLine = 64;

/**
 * Bytes from the transformed tiles of one point to those of the next: an odd number of cache lines, since sixteen addresses
 * a power of two apart fall on the same few places of a cache, and drive each other out.
 */
export function pointStride(
  { tiles: [down, across], together, dtype }: TiledPictures,
  width: number,
): number {
  const lines = Math.ceil((together * down * across * width * bytesOf(dtype)) / cacheLine);
  return (lines + 1 - (lines % 2)) * cacheLine;
}

/** How many elements the transformed tiles take. */
export function transformedSize(pictures: TiledPictures, width: number): number {
  return (products * pointStride(pictures, width)) / bytesOf(pictures.dtype);
}

/**
 * Transforms all tiles of one picture, or of its weights, which lie at address `from` in their frame; `to` is the address of
 * the first tile at the first point.
 */
export function transformTiles(
  v: Lanes,
  transform: Transform,
  pictures: TiledPictures,
  framed: Framed,
  from: number,
  to: number,
): void {
  const { f } = v;
  const [down, across] = pictures.tiles;
  const [, width] = framedExtents(framed);
  const place = framed.channels * bytesOf(framed.dtype);
  const point = pointStride(pictures, framed.channels);
  const line = width * place;
  const source = pointer(f, from, [placesPerTile * line, placesPerTile * place]);
  const target = pointer(f, to, [across * place, place]);
  nest(f, [down, across], [source, target], () =>
    transformGrids(
      v,
      framed.channels,
      transform,
      { address: source.local, steps: [line, place] },
      { address: target.local, steps: [points * point, point] },
    ),
  );
}

export function winogradFiltersFunction(kernel: WinogradFiltersKernel): FunctionWriter {
  const { dtype, channels, outputs } = kernel;
  const f = new FunctionWriter(['i32', 'i32']);
  const v = new Lanes(f, dtype, false);
  const [from, to] = [0, 1].map((local) => f.let('i32', () => f.get(local)));
  tiles(f, outputs, panelWidth(dtype), (_, count) => {
    const row = vectorsOf(count, v.count).length * 16;
    const element = channels * row;
    f.count(channels * (row / 16), 1, () => {
      transformLanes(
        v,
        v.count,
        ofFilter,
        { address: from, steps: [windowExtent * element, element] },
        { address: to, steps: [points * element, element] },
      );
      f.advance(from, 16);
      f.advance(to, 16);
    });
    f.advance(from, (windowExtent * windowExtent - 1) * element);
    f.advance(to, (products - 1) * element);
  });
  return f;
}

export function winogradFunction(kernel: WinogradKernel, fused: boolean): FunctionWriter {
  const { dtype, batch, picture, channels, outputs, result, together } = kernel;
  const [pictures, filters, out, frame, pixels, sums] = [0, 1, 2, 3, 4, 5];
  const f = new FunctionWriter(new Array(6).fill('i32'));
  const v = new Lanes(f, dtype, fused);
  const size = bytesOf(dtype);
  const count = kernel.tiles[0] * kernel.tiles[1];
  const each = picture[0] * picture[1] * channels * size;
  const eachResult = result[0] * result[1] * outputs * size;
  const source = pointer(f, pictures, [together * each]);
  const target = pointer(f, out, [together * eachResult]);
  nest(f, [batch / together], [source, target], () => {
    const from = pointer(f, source.local, [each]);
    const transformed = pointer(f, pixels, [count * channels * size]);
    nest(f, [together], [from, transformed], () => {
      framePicture(f, kernel, from.local, frame);
      transformTiles(v, ofPixels, kernel, kernel, frame, transformed.local);
    });
    multiplyByFilters(f, v, kernel, { pixels, filters, sums });
    const to = pointer(f, target.local, [eachResult]);
    const multiplied = pointer(f, sums, [count * outputs * size]);
    nest(f, [together], [to, multiplied], () => {
      transformBack(v, kernel, multiplied.local, to.local);
    });
  });
  return f;
}

/** For each point, transformed tiles [tiles, channels] times transformed filters [channels, outputs]. */
function multiplyByFilters(
  f: FunctionWriter,
  v: Lanes,
  kernel: WinogradKernel,
  at: { pixels: number; filters: number; sums: number },
): void {
  const { dtype, channels, outputs, together } = kernel;
  const size = bytesOf(dtype);
  const count = together * kernel.tiles[0] * kernel.tiles[1];
  const panel = f.let('i32', () => f.get(at.filters));
  tiles(f, outputs, panelWidth(dtype), (output, filters) => {
    const vectors = vectorsOf(filters, v.count);
    const beside = vectors.length * 16;
    const right = pointer(f, panel, [channels * beside]);
    const left = pointer(f, at.pixels, [pointStride(kernel, channels)]);
    const columns = offset(f, at.sums, output, size);
    const out = pointer(f, columns, [pointStride(kernel, outputs)]);
    nest(f, [products], [left, right, out], () => {
      const rows = Math.min(count, rowsByVectors[vectors.length]);
      wholeTiles(f, count, rows, (first) => {
        const from = offset(f, left.local, first, channels * size);
        const to = offset(f, out.local, first, outputs * size);
        const sums = beginSums(f, rows, vectors.length, () => v.splat(0));
        const scalars = pointer(f, from, [size]);
        const weights = pointer(f, right.local, [beside]);
        nest(f, [channels], [scalars, weights], () =>
          addProducts(
            f,
            v,
            sums,
            (row) => loadSplat(f, dtype, v.count, scalars.local, row * channels * size),
            (vector) => loadLanes(f, dtype, v.count, v.count, weights.local, vector * 16),
          ),
        );
        storeRows(v, sums, vectors, (row) => [to, row * outputs * size]);
      });
    });
    f.advance(panel, products * channels * beside);
  });
}

/** Sums over products of one picture's tiles, to its places. */
function transformBack(v: Lanes, kernel: WinogradKernel, from: number, to: number): void {
  const { dtype, outputs, result } = kernel;
  const { f } = v;
  const place = outputs * bytesOf(dtype);
  const point = pointStride(kernel, outputs);
  const line = result[1] * place;
  // the last tile of a row, and the last row of tiles, may hang over the rim
  const source = f.let('i32', () => f.get(from));
  const target = f.let('i32', () => f.get(to));
  const inRow = (rows: number): void => {
    const right = f.let('i32', () => f.get(target));
    tiles(f, result[1], placesPerTile, (_, columns) => {
      transformGrids(
        v,
        outputs,
        toPlaces,
        { address: source, steps: [points * point, point] },
        { address: right, steps: [line, place] },
        [rows, columns],
      );
      f.advance(source, place);
      f.advance(right, placesPerTile * place);
    });
  };
  tiles(f, result[0], placesPerTile, (_, rows) => {
    inRow(rows);
    f.advance(target, placesPerTile * line);
  });
}
