/** The convolution layer. */
import {
  ArgumentError,
  type FloatDType,
  getBackend,
  ShapeError,
  showShape,
  type Tensor,
} from '@neuralode/tensor';
import { requirePictures } from './windows.ts';
import { heUniform, type Initialiser } from './initialisers.ts';
import { type Layer, requireWidth } from './layer.ts';

/** Parameters of `conv2d`. */
export interface Conv2dParams {
  /** [kernel, kernel, inputs, outputs]. torch keeps [outputs, inputs, kernel, kernel]. */
  readonly weight: Tensor;
  /** [outputs]; absent with `{ bias: false }`. */
  readonly bias?: Tensor;
}

/** Settings of `conv2d`. */
export interface Conv2dOptions {
  /** Side of the square window, in pixels. Default 3. */
  readonly kernel?: number;
  /** Pixels from one window to the next. Default 1. */
  readonly stride?: number;
  /** Rows and columns of zeros on every side. Default 0. */
  readonly padding?: number;
  /** Default true. */
  readonly bias?: boolean;
  /** Default `heUniform(√5)`, that is uniform in ±1/√(kernel² · inputs): torch's. */
  readonly weights?: Initialiser;
  /** Default: uniform in the same range, as in torch. */
  readonly biases?: Initialiser;
  /** Default: the float of the backend that is set when `init` runs. */
  readonly dtype?: FloatDType;
}

/** torch's "kaiming uniform, a = √5" (`torch.nn.Conv2d.reset_parameters`). */
const torchWeights = heUniform(Math.sqrt(5));

/**
 * Cross-correlation with `outputs` square windows: [batch, height, width, inputs] to [batch, height', width', outputs],
 * with height' = ⌊(height + 2 padding − kernel) / stride⌋ + 1.
 */
export function conv2d(
  inputs: number,
  outputs: number,
  options: Conv2dOptions = {},
): Layer<Conv2dParams> {
  requireWidth(inputs, 'conv2d: number of input channels');
  requireWidth(outputs, 'conv2d: number of output channels');
  const { kernel = 3, stride = 1, padding = 0, bias = true, weights = torchWeights } = options;
  requireWidth(kernel, 'conv2d: side of the window');
  requireWidth(stride, 'conv2d: stride');
  requirePadding(padding);
  const range = 1 / Math.sqrt(kernel * kernel * inputs);
  const biases: Initialiser =
    options.biases ?? ((rng, shape, made) => rng.uniform(shape, -range, range, made));
  return {
    init(rng) {
      const dtype = options.dtype ?? getBackend().floatDType;
      const weight = weights(rng, [kernel, kernel, inputs, outputs], { dtype });
      return bias ? { weight, bias: biases(rng, [outputs], { dtype }) } : { weight };
    },
    apply(params, x) {
      const channels = requirePictures(x, 'conv2d')[3];
      if (channels !== inputs) {
        throw new ShapeError({
          what: "conv2d: the input does not have the layer's channels",
          got: showShape(x.shape),
          expected: `[batch, height, width, ${inputs}]`,
        });
      }
      const y = x.conv2d(params.weight, { strides: stride, padding });
      return params.bias === undefined ? y : y.add(params.bias);
    },
  };
}

function requirePadding(padding: number): void {
  if (Number.isSafeInteger(padding) && padding >= 0) return;
  throw new ArgumentError({
    what: 'conv2d: padding',
    got: String(padding),
    expected: 'a whole number ≥ 0',
  });
}
