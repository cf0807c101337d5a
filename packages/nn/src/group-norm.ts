/** Group normalisation (Wu, He 2018, "Group Normalization"). */
import { ArgumentError, ones, ShapeError, showShape, type Tensor, zeros } from '@neuralode/tensor';
import { requirePictures } from './windows.ts';
import { type Layer, requireWidth } from './layer.ts';

/** Parameters of `groupNorm`, both [channels]. */
export interface GroupNormParams {
  readonly scale: Tensor;
  readonly shift: Tensor;
}

/** Settings of `groupNorm`. */
export interface GroupNormOptions {
  /** Channels are normalised in so many groups. Default: the smaller of 32 and the channels, as in the paper's code. */
  readonly groups?: number;
  /** Added to the variance. Default 1e-5. */
  readonly epsilon?: number;
}

/**
 * (x − μ) / √(σ² + ε) · scale + shift on [batch, height, width, channels], with μ and σ² (the biased one) over the
 * pixels and the channels of a group, of each picture on its own (Wu, He 2018, eq. 1 to 3 and 7).
 */
export function groupNorm(
  channels: number,
  options: GroupNormOptions = {},
): Layer<GroupNormParams> {
  requireWidth(channels, 'groupNorm: number of channels');
  const { groups = Math.min(32, channels), epsilon = 1e-5 } = options;
  requireWidth(groups, 'groupNorm: number of groups');
  if (channels % groups !== 0) {
    throw new ArgumentError({
      what: 'groupNorm: the groups do not have the same size',
      got: `${groups} groups of ${channels} channels`,
      expected: 'a number of groups that divides the channels',
    });
  }
  return {
    init: () => ({ scale: ones([channels]), shift: zeros([channels]) }),
    apply({ scale, shift }, x) {
      if (requirePictures(x, 'groupNorm')[3] !== channels) {
        throw new ShapeError({
          what: "groupNorm: the input does not have the layer's channels",
          got: showShape(x.shape),
          expected: `[batch, height, width, ${channels}]`,
        });
      }
      return normalise(x, groups, epsilon, scale, shift);
    },
  };
}

function normalise(
  x: Tensor,
  groups: number,
  epsilon: number,
  scale: Tensor,
  shift: Tensor,
): Tensor {
  const [count, height, width, channels] = x.shape as [number, number, number, number];
  // Pixels first, then the few channels of a group: sums over whole axes are what devices do fast.
  const groupMean = (values: Tensor): Tensor =>
    values
      .sum(1)
      .reshape([count, groups, channels / groups])
      .sum(2, true);
  const perChannel = (values: Tensor): Tensor =>
    values.broadcastTo([count, groups, channels / groups]).reshape([count, 1, channels]);
  const share = groups / (height * width * channels);
  const flat = x.reshape([count, height * width, channels]);
  const centred = flat.sub(perChannel(groupMean(flat).mul(share)));
  const variance = groupMean(centred.square()).mul(share);
  const factor = perChannel(variance.add(epsilon).pow(-0.5)).mul(scale);
  return centred.mul(factor).add(shift).reshape(x.shape);
}
