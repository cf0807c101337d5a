/** The public names of @neuralode/latent-ode. */
export {
  type AutoregressiveRnn,
  type AutoregressiveRnnOptions,
  type AutoregressiveRnnParams,
  autoregressiveRnn,
} from './autoregressive-rnn.ts';
export { type Series, type SeriesBatch, seriesBatch } from './batch.ts';
export type { CellMaker, EncoderParams } from './encoder.ts';
export {
  type Gaussian,
  gaussianLogDensity,
  klFromStandardNormal,
  reparametrise,
} from './gaussian.ts';
export {
  type DriftOptions,
  type Elbo,
  type ElboOptions,
  type ElboWithDrift,
  type LatentOde,
  type LatentOdeNetworks,
  type LatentOdeOptions,
  type LatentOdeParams,
  latentOde,
  type Times,
} from './latent-ode.ts';
export {
  type SpiralOptions,
  type Spirals,
  type SpiralScale,
  spiralBatch,
  spiralPoint,
  spiralScale,
  spirals,
} from './spirals.ts';
