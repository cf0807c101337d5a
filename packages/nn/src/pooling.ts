/** Pooling: a window of pixels, or a whole picture, becomes one value a channel. */
import type { Tensor } from '@neuralode/tensor';
import { requirePictures, windows } from './windows.ts';
import { requireWidth } from './layer.ts';

/** The mean over all pixels: [batch, height, width, channels] to [batch, channels]. */
export function globalMean(x: Tensor): Tensor {
  const [count, height, width, channels] = requirePictures(x, 'globalMean');
  return x.reshape([count, height * width, channels]).mean(1);
}

/** Settings of a pooling window. */
export interface PoolOptions {
  /** Side of the square window, in pixels. Default 2. */
  readonly window?: number;
  /** Pixels from one window to the next. Default: the window's side, so that windows do not overlap. */
  readonly stride?: number;
}

/** The largest value in each window: [batch, height, width, channels] to [batch, height', width', channels]. */
export function maxPool(x: Tensor, options: PoolOptions = {}): Tensor {
  return pooled(x, options, 'maxPool').reduce((largest, place) => largest.maximum(place));
}

/** The mean of each window: [batch, height, width, channels] to [batch, height', width', channels]. */
export function meanPool(x: Tensor, options: PoolOptions = {}): Tensor {
  const places = pooled(x, options, 'meanPool');
  return places.reduce((sum, place) => sum.add(place)).mul(1 / places.length);
}

function pooled(x: Tensor, options: PoolOptions, what: string): [Tensor, ...Tensor[]] {
  const { window = 2, stride = window } = options;
  requireWidth(window, `${what}: side of the window`);
  requireWidth(stride, `${what}: stride`);
  return windows(x, [window, window], stride, what);
}
