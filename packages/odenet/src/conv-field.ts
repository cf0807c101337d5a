/** The field of an ODE-Net for pictures: two convolutions that see the time as a channel. */
import { conv2d, type Conv2dParams, groupNorm, type GroupNormParams } from '@neuralode/nn';
import { ones, type Random, relu } from '@neuralode/tensor';
import type { BlockField } from './ode-block.ts';

/** Parameters of `timeConv2d`: those of a convolution of one more input channel, the first, which holds the time. */
export type TimeConv2dParams = Conv2dParams;

/**
 * A 3 × 3 convolution, padded to keep the size, of pictures with the time t as their first channel.
 *
 * It is linear, so the time's part is t times what a picture of ones gives: one small picture for the whole batch, in
 * place of one more channel in every product.
 */
export function timeConv2d(inputs: number, outputs: number): BlockField<TimeConv2dParams> {
  const pictures = conv2d(inputs, outputs, { padding: 1 });
  const clock = conv2d(1, outputs, { padding: 1, bias: false });
  const joined = conv2d(inputs + 1, outputs, { padding: 1 });
  return {
    init: (rng: Random) => joined.init(rng),
    apply(params, t, x) {
      const { weight, bias } = params;
      const [, height, width] = x.shape as [number, number, number, number];
      const ofTime = clock.apply(
        { weight: weight.slice([0, 0, 0, 0], [3, 3, 1, outputs]) },
        ones([1, height, width, 1], { dtype: x.dtype as 'float32' | 'float64' }),
      );
      const ofPictures = pictures.apply(
        { weight: weight.slice([0, 0, 1, 0]), ...(bias && { bias }) },
        x,
      );
      return ofPictures.add(ofTime.mul(t));
    },
  };
}

/** Parameters of `convField`. */
export interface ConvFieldParams {
  readonly norms: readonly [GroupNormParams, GroupNormParams, GroupNormParams];
  readonly convolutions: readonly [TimeConv2dParams, TimeConv2dParams];
}

/**
 * Group norm, relu, 3 × 3 convolution, group norm, relu, 3 × 3 convolution, group norm: the field of the example that
 * the paper's authors published, with at most 32 groups. Pictures [batch, height, width, channels].
 */
export function convField(channels: number): BlockField<ConvFieldParams> {
  const norm = groupNorm(channels);
  const convolution = timeConv2d(channels, channels);
  return {
    init: (rng) => ({
      norms: [norm.init(rng), norm.init(rng), norm.init(rng)],
      convolutions: [convolution.init(rng), convolution.init(rng)],
    }),
    apply({ norms, convolutions }, t, x) {
      const once = convolution.apply(convolutions[0], t, relu(norm.apply(norms[0], x)));
      const twice = convolution.apply(convolutions[1], t, relu(norm.apply(norms[1], once)));
      return norm.apply(norms[2], twice);
    },
  };
}
