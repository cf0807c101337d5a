/** The first part of the picture networks: from pixels to fewer places with more channels. */
import {
  conv2d,
  type Conv2dParams,
  groupNorm,
  type GroupNormParams,
  type Layer,
} from '@neuralode/nn';
import { relu } from '@neuralode/tensor';
import { residualBlock, type ResidualBlockParams } from './residual-block.ts';

/** Parameters of `downsampling`; which are there depends on its kind. */
export interface DownsamplingParams {
  readonly convolutions: readonly Conv2dParams[];
  readonly norms: readonly GroupNormParams[];
  readonly blocks: readonly ResidualBlockParams[];
}

/** By convolutions, or by residual blocks as in the paper's text. Both are in the authors' example. */
export type DownsamplingKind = 'convolutions' | 'residual';

/**
 * A 3 × 3 convolution without padding, and two halvings: 28 × 28 becomes 26, 13 and then 6 × 6 (convolutions), or 7 × 7
 * (residual blocks).
 */
export function downsampling(
  inputs: number,
  channels: number,
  kind: DownsamplingKind,
): Layer<DownsamplingParams> {
  return kind === 'residual' ? byBlocks(inputs, channels) : byConvolutions(inputs, channels);
}

function byConvolutions(inputs: number, channels: number): Layer<DownsamplingParams> {
  const stem = conv2d(inputs, channels);
  const halving = conv2d(channels, channels, { kernel: 4, stride: 2, padding: 1 });
  const norm = groupNorm(channels);
  return {
    init: (rng) => ({
      convolutions: [stem.init(rng), halving.init(rng), halving.init(rng)],
      norms: [norm.init(rng), norm.init(rng)],
      blocks: [],
    }),
    apply({ convolutions, norms }, x) {
      const full = stem.apply(convolutions[0]!, x);
      const half = halving.apply(convolutions[1]!, relu(norm.apply(norms[0]!, full)));
      return halving.apply(convolutions[2]!, relu(norm.apply(norms[1]!, half)));
    },
  };
}

function byBlocks(inputs: number, channels: number): Layer<DownsamplingParams> {
  const stem = conv2d(inputs, channels);
  const halving = residualBlock(channels, 2);
  return {
    init: (rng) => ({
      convolutions: [stem.init(rng)],
      norms: [],
      blocks: [halving.init(rng), halving.init(rng)],
    }),
    apply({ convolutions, blocks }, x) {
      const full = stem.apply(convolutions[0]!, x);
      return blocks.reduce((h, params) => halving.apply(params, h), full);
    },
  };
}
