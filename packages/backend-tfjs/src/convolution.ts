/**
 * conv2d and its two derivatives, all three by the device's own forward convolution: the derivative kernels of tfjs are
 * missing on some devices and up to a thousand times slower than this on others.
 */
import type {
  ConvolutionAttrs,
  ConvolutionFilterAttrs,
  ConvolutionInputAttrs,
} from '@neuralode/tensor';
import { sameShape, sizeOf } from '@neuralode/tensor';
import { type Block, viewAs } from './block.ts';
import type { Kernel, KernelTable } from './kernel.ts';
import { transposed } from './moves.ts';
import type { Workbench } from './workbench.ts';

/** How a device convolves: pictures [N, H, W, C] with filters [rows, columns, C, K]. */
export type Convolve = (
  bench: Workbench,
  x: Block,
  filters: Block,
  moves: ConvolutionAttrs,
) => Block;

/** tfjs' own kernel, on devices where it pads each side as it is told. */
export const convolvePadded: Convolve = (bench, x, filter, { strides, padding, dilations }) =>
  bench.call(
    'Conv2D',
    { x, filter },
    { strides, dilations, pad: [[0, 0], ...padding, [0, 0]], dataFormat: 'NHWC' },
  );

/** The same on devices that know no padding but none and TensorFlow's 'same'. */
export const padAndConvolve: Convolve = (bench, x, filter, { strides, padding, dilations }) =>
  bench.call(
    'Conv2D',
    { x: padOrCut(bench, x, padding), filter },
    { strides, dilations, pad: 'valid', dataFormat: 'NHWC' },
  );

/** Zeros added along rows and columns on each side, or pixels taken away where their number is negative. */
export function padOrCut(
  bench: Workbench,
  x: Block,
  [rows, columns]: ConvolutionAttrs['padding'],
): Block {
  const sides = [[0, 0], rows, columns, [0, 0]];
  const begin = sides.map(([before]) => Math.max(0, -before));
  const size = x.shape.map((extent, i) => extent - begin[i] - Math.max(0, -sides[i][1]));
  const cut = sameShape(size, x.shape) ? x : bench.call('Slice', { x }, { begin, size });
  const paddings = sides.map((side) => side.map((count) => Math.max(0, count)));
  if (paddings.flat().every((count) => count === 0)) return cut;
  return bench.call('PadV2', { x: cut }, { paddings, constantValue: 0 });
}

/** Each pixel followed by zeros, so that `strides` lie from one to the next: [N, H · stride, W · stride, C]. */
function spread(bench: Workbench, x: Block, [down, across]: ConvolutionAttrs['strides']): Block {
  const [batch, height, width, channels] = x.shape;
  const followed = (block: Block, stretch: number, stride: number): Block => {
    if (stride === 1) return block;
    const rows = viewAs(block, [sizeOf(block.shape) / stretch, stretch]);
    const paddings = [
      [0, 0],
      [0, (stride - 1) * stretch],
    ];
    return bench.call('PadV2', { x: rows }, { paddings, constantValue: 0 });
  };
  const wide = followed(x, channels, across);
  const tall = followed(wide, width * across * channels, down);
  return viewAs(tall, [batch, height * down, width * across, channels]);
}

/** The three kernels on a device that convolves by `convolve`. */
export function convolutions(convolve: Convolve): KernelTable {
  const conv2d: Kernel<ConvolutionAttrs> = (bench, [x, w], attrs) => convolve(bench, x, w, attrs);

  // a pixel is met by the elements of the window in reverse: filters turned round, over weights a stride apart
  const conv2dInput: Kernel<ConvolutionInputAttrs> = (bench, [dy, w], attrs) => {
    const { strides, padding, dilations, picture } = attrs;
    const weights = spread(bench, dy, strides);
    const around = ([0, 1] as const).map((axis) => {
      const before = (w.shape[axis] - 1) * dilations[axis] - padding[axis][0];
      return [before, picture[axis] + padding[axis][0] - weights.shape[1 + axis]];
    }) as unknown as ConvolutionAttrs['padding'];
    const dims = [0, 1].filter((axis) => w.shape[axis] > 1);
    const turned = dims.length === 0 ? w : bench.call('Reverse', { x: w }, { dims });
    const filters = transposed(bench, turned, [0, 1, 3, 2]);
    const isCut = around.flat().some((count) => count < 0);
    const from = isCut ? padOrCut(bench, weights, around) : weights;
    const rest = isCut ? noPadding : around;
    return convolve(bench, from, filters, { strides: [1, 1], padding: rest, dilations });
  };

  // pictures of each channel, with the batch as their channels, over which the weights move as a window
  const conv2dFilter: Kernel<ConvolutionFilterAttrs> = (bench, [x, dy], attrs, result) => {
    const pictures = transposed(bench, x, [3, 1, 2, 0]);
    const weights = transposed(bench, dy, [1, 2, 0, 3]);
    const { strides, padding, dilations, window } = attrs;
    const moves = { strides: dilations, padding, dilations: strides };
    const found = convolve(bench, pictures, weights, moves);
    const [channels, , , outputs] = found.shape;
    const size = [channels, ...window, outputs];
    // pixels that no place of the window meets make room for more elements than the window has
    const met = sameShape(size, found.shape)
      ? found
      : bench.call('Slice', { x: found }, { begin: [0, 0, 0, 0], size });
    return viewAs(transposed(bench, met, [1, 2, 0, 3]), result.shape);
  };

  return { conv2d, conv2dInput, conv2dFilter };
}

const noPadding = [
  [0, 0],
  [0, 0],
] as const;
