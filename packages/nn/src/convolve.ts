/**
 * Two-dimensional convolution, composed of slices and matrix products: so it runs on every backend, and is
 * differentiated to any order in both modes.
 */
import { concat, ShapeError, showShape, type Tensor } from '@neuralode/tensor';

/** How a window moves over a picture: the same along both axes. */
export interface WindowMoves {
  /** Pixels from one window to the next. */
  readonly stride: number;
  /** Rows and columns of zeros put on every side. */
  readonly padding: number;
}

/**
 * The cross-correlation that deep learning calls convolution: `x` [N, H, W, C] and `weight` [kh, kw, C, K] give
 * [N, H', W', K], with H' = ⌊(H + 2 padding − kh) / stride⌋ + 1, and W' likewise.
 */
export function convolve(x: Tensor, weight: Tensor, moves: WindowMoves): Tensor {
  const [kh, kw, channels] = weight.shape as [number, number, number, number];
  const places = windows(x, [kh, kw], moves, 'conv2d');
  return channels < 4 ? productOfWindows(places, weight) : sumOfProducts(places, weight);
}

/** One product, every window a row of it (the `im2col` of Chellapilla, Puri, Simard 2006): for few channels. */
function productOfWindows(places: readonly Tensor[], weight: Tensor): Tensor {
  const outputs = weight.shape[3]!;
  const [count, height, width, channels] = places[0]!.shape as [number, number, number, number];
  return concat(places, 3)
    .reshape([count * height * width, places.length * channels])
    .matMul(weight.reshape([places.length * channels, outputs]))
    .reshape([count, height, width, outputs]);
}

/** A product for each place in the window. Copying windows costs more than the sum, once a pixel has some channels. */
function sumOfProducts(places: readonly Tensor[], weight: Tensor): Tensor {
  const outputs = weight.shape[3]!;
  const [count, height, width, channels] = places[0]!.shape as [number, number, number, number];
  const weights = weight.reshape([places.length, channels, outputs]);
  return places
    .map((place, k) => place.reshape([count * height * width, channels]).matMul(weights.at(k)))
    .reduce((sum, product) => sum.add(product))
    .reshape([count, height, width, outputs]);
}

/** For each place in the window, row by row, what lies there as the window moves: each [N, H', W', C]. */
export function windows(
  x: Tensor,
  [kh, kw]: readonly [number, number],
  { stride, padding }: WindowMoves,
  what: string,
): [Tensor, ...Tensor[]] {
  const [, height, width] = requirePictures(x, what);
  const extent = (size: number, window: number): number =>
    Math.floor((size + 2 * padding - window) / stride) + 1;
  const [rows, columns] = [extent(height, kh), extent(width, kw)];
  if (rows < 1 || columns < 1) {
    throw new ShapeError({
      what: `${what}: the window does not fit into the picture`,
      got: `${kh} × ${kw} on ${height} × ${width} with a padding of ${padding}`,
      expected: 'a picture, padded, at least as large as the window',
    });
  }
  const phases = splitPhases(x, [kh, kw], [rows, columns], { stride, padding });
  const places = Array.from({ length: kh * kw }, (_, k) =>
    phases(Math.floor(k / kw), k % kw, rows, columns),
  );
  return places as [Tensor, ...Tensor[]];
}

/** Pictures as [N, H, W, C], or a `ShapeError`. */
export function requirePictures(x: Tensor, what: string): [number, number, number, number] {
  if (x.rank === 4) return x.shape as unknown as [number, number, number, number];
  throw new ShapeError({
    what: `${what}: the input is no batch of pictures`,
    got: showShape(x.shape),
    expected: '[batch, height, width, channels]',
  });
}

type Phases = (i: number, j: number, rows: number, columns: number) => Tensor;

/**
 * Every `stride`-th pixel from (i, j) on, as a slice without gaps: rows and columns are padded (or cut) to whole
 * strides and split into [H / stride, stride], so that the phase is an axis of its own.
 */
function splitPhases(
  x: Tensor,
  [kh, kw]: readonly [number, number],
  [rows, columns]: readonly [number, number],
  { stride, padding }: WindowMoves,
): Phases {
  const [count, height, width, channels] = x.shape as [number, number, number, number];
  const whole = (extent: number, window: number): number =>
    (extent + Math.ceil(window / stride) - 1) * stride;
  const [tall, wide] = [whole(rows, kh), whole(columns, kw)];
  const after = [Math.max(0, tall - height - padding), Math.max(0, wide - width - padding)];
  const isPadded = padding > 0 || after.some((extra) => extra > 0);
  const padded = isPadded ? x.pad([0, padding, padding, 0], [0, after[0]!, after[1]!, 0]) : x;
  if (stride === 1) return (i, j, h, w) => padded.slice([0, i, j, 0], [count, h, w, channels]);
  const isCut = padded.shape[1] !== tall || padded.shape[2] !== wide;
  const split = (
    isCut ? padded.slice([0, 0, 0, 0], [count, tall, wide, channels]) : padded
  ).reshape([count, tall / stride, stride, wide / stride, stride, channels]);
  return (i, j, h, w) =>
    split
      .slice(
        [0, Math.floor(i / stride), i % stride, Math.floor(j / stride), j % stride, 0],
        [count, h, 1, w, 1, channels],
      )
      .reshape([count, h, w, channels]);
}
