/**
 * Networks that say what a picture shows: the paper's four (table 1). Three share their downsampling and their head,
 * and differ in what stands between: residual blocks, or a block of continuous depth, differentiated through its steps
 * (RK-Net) or by the adjoint (ODE-Net).
 */
import { backsolve, direct } from '@neuralode/adjoint';
import {
  dense,
  type DenseParams,
  globalMean,
  groupNorm,
  type GroupNormParams,
  type Layer,
  mlp as perceptron,
} from '@neuralode/nn';
import { evaluate, type Random, relu, ShapeError, showShape, type Tensor } from '@neuralode/tensor';
import { type ConvFieldParams, convField } from './conv-field.ts';
import { downsampling, type DownsamplingKind, type DownsamplingParams } from './downsampling.ts';
import { type BlockSolve, type Depth, odeBlock, type OdeBlockOptions } from './ode-block.ts';
import { residualBlock, type ResidualBlockParams } from './residual-block.ts';

/** A network from pictures [batch, height, width, channels] to scores [batch, classes]. */
export interface Classifier<P> {
  /** [height, width, channels] of a picture. */
  readonly picture: readonly [number, number, number];
  readonly classes: number;
  init(rng: Random): P;
  /** The scores of the classes before softmax, inside a recorded function or `evaluate`. */
  apply(params: P, pictures: Tensor, solve?: BlockSolve): Tensor;
}

/** One with a block of continuous depth: `solve` of `apply` replaces options of the block. */
export interface OdeClassifier<P> extends Classifier<P> {
  /** Which steps the block takes for these pictures; outside of recorded functions. */
  depth(params: P, pictures: Tensor, solve?: BlockSolve): Promise<Depth>;
}

/** What pictures are, and how many classes there are. */
export interface PictureOptions {
  /** [height, width, channels] of a picture. Default [28, 28, 1]. */
  readonly picture?: readonly [number, number, number];
  /** Default 10. */
  readonly classes?: number;
}

/** Settings that the three convolutional networks share. */
export interface ConvolutionalOptions extends PictureOptions {
  /** After the first convolution. Default 64. */
  readonly channels?: number;
  /** Default `convolutions`. */
  readonly downsampling?: DownsamplingKind;
}

/** Parameters of a convolutional network, by its parts. */
export interface ConvolutionalParams<Middle> {
  readonly downsampling: DownsamplingParams;
  readonly middle: Middle;
  readonly head: { readonly norm: GroupNormParams; readonly scores: DenseParams };
}

export type ResnetParams = ConvolutionalParams<readonly ResidualBlockParams[]>;
export type OdenetParams = ConvolutionalParams<ConvFieldParams>;

/** What stands between downsampling and head. */
interface Middle<P> extends Layer<P> {
  /** Channels of the output. */
  readonly channels: number;
  apply(params: P, x: Tensor, solve?: BlockSolve): Tensor;
}

/** The baseline: a perceptron with one hidden layer of 300 relu units (LeCun, Bottou, Bengio, Haffner 1998). */
export function mlp(
  options: PictureOptions & { readonly hidden?: number } = {},
): Classifier<readonly DenseParams[]> {
  const { picture = [28, 28, 1], classes = 10, hidden = 300 } = options;
  const pixels = picture[0] * picture[1] * picture[2];
  const network = perceptron([pixels, hidden, classes], { activation: relu });
  return {
    picture,
    classes,
    init: (rng) => network.init(rng),
    apply(params, pictures) {
      requirePictures(pictures, picture);
      return network.apply(params, pictures.reshape([-1, pixels]));
    },
  };
}

/** With residual blocks; without any, what stands before and after them alone. */
export function resnet(
  options: ConvolutionalOptions & { /** Default 6. */ readonly blocks?: number } = {},
): Classifier<ResnetParams> {
  const { channels = 64, blocks = 6 } = options;
  const block = residualBlock(channels);
  return convolutional(options, {
    channels,
    init: (rng) => Array.from({ length: blocks }, () => block.init(rng)),
    apply: (params, x) => params.reduce((h, each) => block.apply(each, h), x),
  });
}

/** Settings of `odenet` and `rknet`: `block` is for their `odeBlock`. */
export type OdenetOptions = ConvolutionalOptions & { readonly block?: OdeBlockOptions };

/** A block of continuous depth, differentiated by the adjoint: memory does not grow with the number of steps. */
export function odenet(options: OdenetOptions = {}): OdeClassifier<OdenetParams> {
  return continuous(options, { gradient: backsolve(), ...options.block } as OdeBlockOptions);
}

/** The same network, differentiated through the steps of the solver. */
export function rknet(options: OdenetOptions = {}): OdeClassifier<OdenetParams> {
  return continuous(options, { gradient: direct(), ...options.block } as OdeBlockOptions);
}

function continuous(
  options: ConvolutionalOptions,
  solve: OdeBlockOptions,
): OdeClassifier<OdenetParams> {
  const { channels = 64 } = options;
  const wide = channels + (solve.augment ?? 0);
  const block = odeBlock(convField(wide), solve);
  const network = convolutional(options, { ...block, channels: wide });
  return {
    ...network,
    async depth(params, pictures, own) {
      const start = await evaluate(() => network.before(params, pictures));
      try {
        return await block.depth(params.middle, start, own);
      } finally {
        start.dispose();
      }
    },
  };
}

interface ConvolutionalClassifier<P> extends Classifier<P> {
  /** What the middle gets. */
  before(params: P, pictures: Tensor): Tensor;
}

function convolutional<M>(
  options: ConvolutionalOptions,
  middle: Middle<M>,
): ConvolutionalClassifier<ConvolutionalParams<M>> {
  const { picture = [28, 28, 1], classes = 10, channels = 64 } = options;
  const start = downsampling(picture[2], channels, options.downsampling ?? 'convolutions');
  const norm = groupNorm(middle.channels);
  const scores = dense(middle.channels, classes);
  const before = (params: ConvolutionalParams<M>, pictures: Tensor): Tensor => {
    requirePictures(pictures, picture);
    return start.apply(params.downsampling, pictures);
  };
  return {
    picture,
    classes,
    before,
    init: (rng) => ({
      downsampling: start.init(rng),
      middle: middle.init(rng),
      head: { norm: norm.init(rng), scores: scores.init(rng) },
    }),
    apply(params, pictures, solve) {
      const h = middle.apply(params.middle, before(params, pictures), solve);
      return scores.apply(params.head.scores, globalMean(relu(norm.apply(params.head.norm, h))));
    },
  };
}

function requirePictures(pictures: Tensor, expected: readonly number[]): void {
  if (pictures.rank === 4 && expected.every((extent, i) => extent === pictures.shape[i + 1]))
    return;
  throw new ShapeError({
    what: 'the network was not made for these pictures',
    got: showShape(pictures.shape),
    expected: `[batch, ${expected.join(', ')}]`,
  });
}
