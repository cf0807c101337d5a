/**
 * The derivative of a convolution with respect to 3 × 3 filters by minimal filtering: tiles of four by four pixels and of
 * two by two weights are transformed, multiplied (for each of the sixteen points a matrix product over channels, tiles and
 * filters, added up over all pictures), and transformed back once, at the end.
 */
import { Lanes } from '../vector/lanes.ts';
import { FunctionWriter } from '../wasm/function-writer.ts';
import { bytesOf } from './elements.ts';
import { nest, pointer } from './nest.ts';
import { type Framed, framePicture, isFramed } from './picture-frame.ts';
import { addTransposedProduct } from './transposed-product.ts';
import { pointStride, products, type TiledPictures, transformTiles } from './winograd.ts';
import {
  ofPixels,
  ofWeights,
  points,
  toFilter,
  transformGrids,
  windowExtent,
} from './winograd-transforms.ts';

/**
 * Parameters of the function: the addresses of pictures, weights, the result, the pictures' frame, that of the weights, and
 * scratch for tiles of either and for the sums (zeros).
 */
export interface WinogradFilterKernel extends TiledPictures {
  readonly kind: 'winogradFilter';
  /** The weights, framed so that they are whole tiles. */
  readonly weights: Framed;
}

export function winogradFilterFunction(
  kernel: WinogradFilterKernel,
  fused: boolean,
): FunctionWriter {
  const { dtype, batch, picture, channels, together, weights } = kernel;
  const f = new FunctionWriter(new Array(8).fill('i32'));
  const [from, factors, out, frame, weightFrame, pixels, tiled, sums] = [0, 1, 2, 3, 4, 5, 6, 7];
  const v = new Lanes(f, dtype, fused);
  const size = bytesOf(dtype);
  const count = kernel.tiles[0] * kernel.tiles[1];
  const each = picture[0] * picture[1] * channels * size;
  const eachWeights = weights.picture[0] * weights.picture[1] * weights.channels * size;
  const source = pointer(f, from, [together * each, each]);
  const factor = pointer(f, factors, [together * eachWeights, eachWeights]);
  nest(f, [batch / together], [source, factor], () => {
    const picture = pointer(f, source.local, [each]);
    const weight = pointer(f, factor.local, [eachWeights]);
    const left = pointer(f, pixels, [count * channels * size]);
    const right = pointer(f, tiled, [count * weights.channels * size]);
    nest(f, [together], [picture, weight, left, right], () => {
      framePicture(f, kernel, picture.local, frame);
      transformTiles(v, ofPixels, kernel, kernel, frame, left.local);
      const framed = isFramed(weights);
      if (framed) framePicture(f, weights, weight.local, weightFrame);
      const at = framed ? weightFrame : weight.local;
      transformTiles(v, ofWeights, kernel, weights, at, right.local);
    });
    addTiles(v, kernel, { pixels, weights: tiled, sums });
  });
  transformSums(v, kernel, sums, out);
  return f;
}

/** For each point, transformed pixels [tiles, channels], transposed, times transformed weights [tiles, filters], added. */
function addTiles(
  v: Lanes,
  kernel: WinogradFilterKernel,
  at: { pixels: number; weights: number; sums: number },
): void {
  const { f } = v;
  const { dtype, channels, together } = kernel;
  const outputs = kernel.weights.channels;
  const size = bytesOf(dtype);
  const count = together * kernel.tiles[0] * kernel.tiles[1];
  const left = pointer(f, at.pixels, [pointStride(kernel, channels)]);
  const right = pointer(f, at.weights, [pointStride(kernel, outputs)]);
  const out = pointer(f, at.sums, [channels * outputs * size]);
  nest(f, [products], [left, right, out], () =>
    addTransposedProduct(
      v,
      [count],
      { from: { local: left.local, steps: [channels * size] }, columns: channels },
      { from: { local: right.local, steps: [outputs * size] }, columns: outputs },
      out.local,
    ),
  );
}

/** Sums at each point [channels, filters], to filters [3, 3, channels, filters]. */
function transformSums(
  v: Lanes,
  { dtype, channels, weights }: WinogradFilterKernel,
  from: number,
  to: number,
): void {
  const element = channels * weights.channels * bytesOf(dtype);
  transformGrids(
    v,
    channels * weights.channels,
    toFilter,
    { address: from, steps: [points * element, element] },
    { address: to, steps: [windowExtent * element, element] },
  );
}
