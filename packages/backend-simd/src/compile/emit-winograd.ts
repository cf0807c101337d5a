/** Which convolutions run by minimal filtering, and the memory that it takes. */
import type { CorrelationAxis } from '../kernels/correlation.ts';
import { type Framed, framedExtents, isFramed } from '../kernels/picture-frame.ts';
import { products, type TiledPictures, transformedSize } from '../kernels/winograd.ts';
import { placesPerTile, windowExtent } from '../kernels/winograd-transforms.ts';
import type { NodeCode } from './emit-node.ts';
import type { MemoryBlock } from './memory-block.ts';

type Pair = readonly [rows: number, columns: number];

/** Below so many channels or filters the transforms cost more than they save. */
const fewest = 8;
/** Tiles that are worked on together, about: what is transformed of them, 4 KiB each at 64 channels, fits the second cache. */
const tilesTogether = 48;

const bothAxes = <T>(make: (axis: 0 | 1) => T): readonly [T, T] => [make(0), make(1)];

/**
 * Pictures in frames of whole tiles, where a window of 3 × 3 moves over them pixel by pixel and has `places`; undefined
 * where they are few channels, or the frame asked for is larger.
 */
export function tiledPictures(
  framed: Framed,
  places: Pair,
  outputs: number,
): TiledPictures | undefined {
  if (framed.channels < fewest || outputs < fewest) return undefined;
  if (Math.min(...places) < placesPerTile || framed.batch === 0) return undefined;
  const tiles = bothAxes((axis) => Math.ceil(places[axis] / placesPerTile));
  const frame = bothAxes((axis): Pair => {
    const [before] = framed.frame[axis];
    const extent = tiles[axis] * placesPerTile + windowExtent - 1;
    return [before, extent - before - framed.picture[axis]];
  });
  if (frame.some(([, after]) => after < 0)) return undefined;
  const most = Math.max(1, Math.floor(tilesTogether / (tiles[0] * tiles[1])));
  let together = Math.min(most, framed.batch);
  while (framed.batch % together > 0) together--;
  return { ...framed, frame, tiles, together };
}

/** Whether an axis is one along which a window of three elements moves pixel by pixel, from the frame's first on. */
export function movesByPixels(axis: CorrelationAxis): boolean {
  const { elements, spacing, fromStep, toStep, from, to } = axis;
  const once = spacing === 1 && fromStep === 1 && toStep === 1;
  return once && elements === windowExtent && from === 0 && to === 0;
}

/** A frame of zeros for each part. */
function zeros(code: NodeCode, framed: Framed, parts: number): MemoryBlock {
  const { dtype, channels } = framed;
  const block = code.scratch({ shape: [parts, ...framedExtents(framed), channels], dtype });
  code.fill(block, 0);
  return block;
}

/** The convolution of `from` with panels of filters; `pictures` are those of one part. */
export function emitWinograd(
  code: NodeCode,
  parts: number,
  pictures: TiledPictures,
  { from, panels, out }: { from: MemoryBlock; panels: MemoryBlock; out: MemoryBlock },
  outputs: number,
): void {
  const { dtype, channels } = pictures;
  const terms = windowExtent * windowExtent;
  const filters = code.scratch({ shape: [(panels.shape[0] / terms) * products], dtype });
  code.call({ kind: 'winogradFilters', dtype, channels, outputs }, panels, filters);
  const [, height, width] = out.shape;
  code.callParts(
    parts,
    { kind: 'winograd', ...pictures, outputs, result: [height, width] },
    from,
    { whole: filters },
    out,
    zeros(code, pictures, parts),
    code.scratch({ shape: [parts, transformedSize(pictures, channels)], dtype }),
    code.scratch({ shape: [parts, transformedSize(pictures, outputs)], dtype }),
  );
}

/** The derivative of a convolution with respect to its filters, in `parts` sums of its own; `pictures` are those of one. */
export function emitWinogradFilter(
  code: NodeCode,
  parts: number,
  pictures: TiledPictures,
  { x, dy, out }: { x: MemoryBlock; dy: MemoryBlock; out: MemoryBlock },
  places: Pair,
): void {
  const { dtype, batch, channels, tiles } = pictures;
  const outputs = dy.shape[3];
  const frame = bothAxes((axis): Pair => [0, tiles[axis] * placesPerTile - places[axis]]);
  const weights: Framed = { dtype, batch, picture: places, channels: outputs, frame };
  const sums = code.scratch({ shape: [parts, products * channels * outputs], dtype });
  code.fill(sums, 0);
  code.callParts(
    parts,
    { kind: 'winogradFilter', ...pictures, weights },
    x,
    dy,
    out,
    zeros(code, pictures, parts),
    isFramed(weights) ? zeros(code, weights, parts) : { whole: sums },
    code.scratch({ shape: [parts, transformedSize(pictures, channels)], dtype }),
    code.scratch({ shape: [parts, transformedSize(pictures, outputs)], dtype }),
    sums,
  );
}
