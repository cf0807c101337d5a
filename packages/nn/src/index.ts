/** The public names of @neuralode/nn. */
export { adam, type AdamOptions, type AdamState, adamW, type AdamWOptions } from './adam.ts';
export { type Batches, batches, type BatchesOptions } from './batches.ts';
export {
  type Cell,
  type CellOptions,
  type CellParams,
  gruCell,
  rnnCell,
  type RnnCellOptions,
} from './cells.ts';
export { CheckpointError } from './checkpoint-error.ts';
export { checkpointOf, restore } from './checkpoint.ts';
export { clipByGlobalNorm } from './clip.ts';
export { conv2d, type Conv2dOptions, type Conv2dParams } from './conv2d.ts';
export {
  dense,
  type DenseLayer,
  type DenseOptions,
  type DenseParams,
  mlp,
  type MlpOptions,
} from './dense.ts';
export { groupNorm, type GroupNormOptions, type GroupNormParams } from './group-norm.ts';
export {
  constant,
  glorotNormal,
  glorotUniform,
  heNormal,
  heUniform,
  type Initialiser,
  lecunNormal,
  normal,
  orthogonal,
  uniform,
} from './initialisers.ts';
export type { Activation, Layer } from './layer.ts';
export type { Optimiser, StepState } from './optimiser.ts';
export { globalMean, maxPool, meanPool, type PoolOptions } from './pooling.ts';
export { type HostPictures, randomCrop } from './random-crop.ts';
export { rmsProp, type RmsPropOptions, type RmsPropState } from './rms-prop.ts';
export {
  decodeSafetensors,
  encodeSafetensors,
  type HostTensor,
  type SafetensorsFile,
} from './safetensors.ts';
export {
  cosineDecay,
  type CosineDecayOptions,
  exponentialDecay,
  type ExponentialDecayOptions,
  type LearningRate,
  type Schedule,
  stepDecay,
  type StepDecayOptions,
  warmup,
} from './schedules.ts';
export { sgd, type SgdOptions, type SgdState } from './sgd.ts';
export {
  type BatchFunction,
  type Loss,
  train,
  type TrainingProgress,
  type TrainingResult,
  type TrainOptions,
} from './train.ts';
export { TrainingError } from './training-error.ts';
export {
  type BestParams,
  decodeTrainedParams,
  decodeTrainingState,
  encodeTrainingState,
  type TrainingState,
} from './training-state.ts';
export type { Validation } from './validation.ts';
