/** Convolution as a user calls it: how the window moves, in the ways in which people say it. */
import { ArgumentError } from './errors.ts';
import {
  conv2d as conv2dPrimitive,
  conv2dInput,
  type ConvolutionAttrs,
  type PerAxis,
} from './primitives/index.ts';
import { apply } from './recording.ts';
import type { Tensor } from './tensor.ts';

/** How the window of a convolution moves over pictures. A number stands for a pair of it: along rows and columns. */
export interface Conv2dOptions {
  /** Pixels from one place of the window to the next. Default 1. */
  readonly strides?: number | PerAxis<number>;
  /**
   * Zeros around the pictures: as many on each side; `[[top, bottom], [left, right]]`; none, `'valid'`; or as many as
   * give ⌈extent / stride⌉ places, `'same'`, where an odd one goes to the bottom and the right, as in TensorFlow.
   * Default `'valid'`.
   */
  readonly padding?: 'same' | 'valid' | number | PerAxis<readonly [before: number, after: number]>;
  /** Pixels from one element of the window to the next. Default 1. */
  readonly dilations?: number | PerAxis<number>;
}

/** Those of a transposed convolution: of the convolution that it is the transpose of. */
export interface Conv2dTransposeOptions extends Conv2dOptions {
  /** [H, W] of the result. Default: the smallest that fits; with padding `'same'`, [H′, W′] times the strides. */
  readonly size?: PerAxis<number>;
}

/**
 * Cross-correlation of pictures with filters, which deep learning calls convolution: `x` [N, H, W, C] and `w`
 * [window rows, window columns, C, K] give [N, H′, W′, K], with H′ = ⌊(H + padding − reach) / stride⌋ + 1 and
 * reach = (window rows − 1) · dilation + 1, and W′ likewise.
 *
 * @throws ShapeError where the ranks or channels do not fit, or the window is larger than the padded picture
 * @throws ArgumentError where a stride, dilation or padding is not a whole number in its range
 */
export function conv2d(x: Tensor, w: Tensor, options: Conv2dOptions = {}): Tensor {
  return apply(conv2dPrimitive, [x, w], movesOver(picture(x), picture(w, 0), options, 'conv2d'))[0];
}

/**
 * The transpose of a convolution with the same filters and options: `y` [N, H′, W′, K] and `w`
 * [window rows, window columns, C, K] give [N, H, W, C]. It is the derivative of that convolution with respect to its
 * pictures, and what a decoder enlarges pictures with (torch's `conv_transpose2d`, without its flipped name for channels).
 *
 * @throws ShapeError where the ranks or channels do not fit, or no picture of `size` has H′ × W′ places of the window
 * @throws ArgumentError where a stride, dilation or padding is not a whole number in its range
 */
export function conv2dTranspose(
  y: Tensor,
  w: Tensor,
  options: Conv2dTransposeOptions = {},
): Tensor {
  const [places, window] = [picture(y), picture(w, 0)];
  const size = options.size ?? enlarged(places, window, options);
  const moves = movesOver(size, window, options, 'conv2dTranspose');
  return apply(conv2dInput, [y, w], { ...moves, picture: [...size] })[0];
}

/** The extents of pictures, or (from axis 0) of a window. The primitive refuses what has no such axes. */
function picture({ shape }: Tensor, first = 1): PerAxis<number> {
  return [shape[first], shape[first + 1]];
}

function enlarged(
  places: PerAxis<number>,
  window: PerAxis<number>,
  options: Conv2dOptions,
): PerAxis<number> {
  const strides = perAxis(options.strides ?? 1);
  if (options.padding === 'same') return [places[0] * strides[0], places[1] * strides[1]];
  const { padding, dilations } = movesOver(places, window, options, 'conv2dTranspose');
  const along = (axis: 0 | 1): number => {
    const reach = (window[axis] - 1) * dilations[axis] + 1;
    return (places[axis] - 1) * strides[axis] + reach - padding[axis][0] - padding[axis][1];
  };
  return [along(0), along(1)];
}

const perAxis = (each: number | PerAxis<number>): PerAxis<number> =>
  typeof each === 'number' ? [each, each] : each;

function movesOver(
  size: PerAxis<number>,
  window: PerAxis<number>,
  options: Conv2dOptions,
  what: string,
): ConvolutionAttrs {
  const strides = perAxis(options.strides ?? 1);
  const dilations = perAxis(options.dilations ?? 1);
  const { padding = 'valid' } = options;
  const along = (axis: 0 | 1): readonly [number, number] => {
    if (padding === 'valid') return [0, 0];
    if (typeof padding === 'number') return [padding, padding];
    if (padding !== 'same') return padding[axis];
    return samePadding(size[axis], window[axis], strides[axis], dilations[axis]);
  };
  if (typeof padding === 'string' && padding !== 'same' && padding !== 'valid') {
    throw new ArgumentError({
      what: `${what}: padding`,
      got: `'${padding}'`,
      expected: "'same', 'valid', a number, or [[top, bottom], [left, right]]",
    });
  }
  return { strides, padding: [along(0), along(1)], dilations };
}

/** TensorFlow's rule: ⌈extent / stride⌉ places, and of an odd number of zeros one more after than before. */
function samePadding(
  extent: number,
  window: number,
  stride: number,
  dilation: number,
): readonly [number, number] {
  const places = Math.ceil(extent / stride);
  const reach = (window - 1) * dilation + 1;
  const zeros = Math.max(0, (places - 1) * stride + reach - extent);
  return [Math.floor(zeros / 2), Math.ceil(zeros / 2)];
}
