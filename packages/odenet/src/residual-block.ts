/** Residual blocks with activation before the weights (He, Zhang, Ren, Sun 2016, "Identity Mappings", figure 1b). */
import {
  conv2d,
  type Conv2dParams,
  groupNorm,
  type GroupNormParams,
  type Layer,
} from '@neuralode/nn';
import { relu } from '@neuralode/tensor';

/** Parameters of `residualBlock`. */
export interface ResidualBlockParams {
  readonly norms: readonly [GroupNormParams, GroupNormParams];
  readonly convolutions: readonly [Conv2dParams, Conv2dParams];
  /** The 1 × 1 convolution on the way around, where the block makes pictures smaller. */
  readonly shortcut?: Conv2dParams;
}

/**
 * x + conv(relu(norm(conv(relu(norm(x)))))), with 3 × 3 convolutions without biases. With a stride of 2 the picture is
 * halved, and what is added is a 1 × 1 convolution of the first activation.
 */
export function residualBlock(channels: number, stride: 1 | 2 = 1): Layer<ResidualBlockParams> {
  const norm = groupNorm(channels);
  const first = conv2d(channels, channels, { padding: 1, stride, bias: false });
  const second = conv2d(channels, channels, { padding: 1, bias: false });
  const around =
    stride === 1 ? undefined : conv2d(channels, channels, { kernel: 1, stride, bias: false });
  return {
    init: (rng) => ({
      norms: [norm.init(rng), norm.init(rng)],
      convolutions: [first.init(rng), second.init(rng)],
      ...(around && { shortcut: around.init(rng) }),
    }),
    apply({ norms, convolutions, shortcut }, x) {
      const active = relu(norm.apply(norms[0], x));
      const once = first.apply(convolutions[0], active);
      const twice = second.apply(convolutions[1], relu(norm.apply(norms[1], once)));
      return twice.add(around && shortcut ? around.apply(shortcut, active) : x);
    },
  };
}
