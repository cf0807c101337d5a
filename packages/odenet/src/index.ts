/** The public names of @neuralode/odenet. */
export { correctCount, crossEntropy, parameterCount } from './classification.ts';
export {
  type Classifier,
  type ConvolutionalOptions,
  type ConvolutionalParams,
  mlp,
  type OdeClassifier,
  odenet,
  type OdenetOptions,
  type OdenetParams,
  type PictureOptions,
  resnet,
  type ResnetParams,
  rknet,
} from './classifier.ts';
export {
  convField,
  type ConvFieldParams,
  timeConv2d,
  type TimeConv2dParams,
} from './conv-field.ts';
export {
  downsampling,
  type DownsamplingKind,
  type DownsamplingParams,
} from './downsampling.ts';
export {
  type BlockField,
  type BlockSolve,
  type Depth,
  type OdeBlock,
  odeBlock,
  type OdeBlockOptions,
} from './ode-block.ts';
export { residualBlock, type ResidualBlockParams } from './residual-block.ts';
