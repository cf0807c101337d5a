/**
 * The derivative of a convolution with respect to its filters: for each element of the window, its channel and each filter,
 * the sum over all places of the pixel under that element times the weight of the place.
 *
 * A matrix product again, whose inner extent are the places: tiles of it stay in registers over the places of one picture,
 * which lie in the nearest cache, and in memory from one picture to the next.
 */
import { Lanes } from '../vector/lanes.ts';
import { FunctionWriter } from '../wasm/function-writer.ts';
import { bytesOf } from './elements.ts';
import { nest, type Pointer, pointer } from './nest.ts';
import { type Framed, framePicture, framedExtents, isFramed } from './picture-frame.ts';
import { addTransposedProduct } from './transposed-product.ts';

type Pair = readonly [rows: number, columns: number];

/** Parameters of the function: the addresses of pictures, weights, the result (zeros), and scratch where there is a frame. */
export interface CorrelationFilterKernel extends Framed {
  readonly kind: 'correlationFilter';
  readonly outputs: number;
  readonly places: Pair;
  readonly strides: Pair;
  readonly window: Pair;
  readonly dilations: Pair;
}

export function correlationFilterFunction(
  kernel: CorrelationFilterKernel,
  fused: boolean,
): FunctionWriter {
  const { dtype, batch, picture, channels, outputs, places } = kernel;
  const framed = isFramed(kernel);
  const f = new FunctionWriter(new Array(framed ? 4 : 3).fill('i32'));
  const size = bytesOf(dtype);
  const source = pointer(f, 0, [picture[0] * picture[1] * channels * size]);
  const weights = pointer(f, 1, [places[0] * places[1] * outputs * size]);
  const v = new Lanes(f, dtype, fused);
  nest(f, [batch], [source, weights], () => {
    if (framed) framePicture(f, kernel, source.local, 3);
    eachElement(f, kernel, framed ? 3 : source.local, (pixels, sums, rows) => {
      addPicture(v, kernel, { pixels, weights: weights.local, sums, rows });
    });
  });
  return f;
}

/** For stretches of the window whose pixels lie side by side: addresses of the pixels and of the sums, and how many. */
function eachElement(
  f: FunctionWriter,
  kernel: CorrelationFilterKernel,
  source: number,
  body: (pixels: number, sums: number, rows: number) => void,
): void {
  const { dtype, channels, outputs, window, dilations } = kernel;
  const [, width] = framedExtents(kernel);
  const size = bytesOf(dtype);
  const beside = dilations[1] === 1 ? window[1] : 1;
  const extents = [window[0], window[1] / beside];
  const steps = [dilations[0] * width * channels, dilations[1] * channels];
  const pixels = pointer(
    f,
    source,
    steps.map((step) => step * size),
  );
  const each = beside * channels * outputs * size;
  const sums = pointer(f, 2, [extents[1] * each, each]);
  nest(f, extents, [pixels, sums], () => body(pixels.local, sums.local, beside * channels));
}

/** What one picture adds to `rows` rows of sums. */
function addPicture(
  v: Lanes,
  kernel: CorrelationFilterKernel,
  at: { pixels: number; weights: number; sums: number; rows: number },
): void {
  const { dtype, channels, outputs, places, strides } = kernel;
  const [, width] = framedExtents(kernel);
  const size = bytesOf(dtype);
  const moving = (local: number, steps: readonly number[]): Pointer => ({
    local,
    steps: steps.map((step) => step * size),
  });
  const pixels = moving(at.pixels, [strides[0] * width * channels, strides[1] * channels]);
  const weights = moving(at.weights, [places[1] * outputs, outputs]);
  addTransposedProduct(
    v,
    places,
    { from: pixels, columns: at.rows },
    { from: weights, columns: outputs },
    at.sums,
  );
}
