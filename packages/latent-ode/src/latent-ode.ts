/**
 * The generative latent ODE for irregularly sampled series (Chen, Rubanova, Bettencourt, Duvenaud 2018, section 5 and
 * appendix E):
 *
 *     z₀ ~ N(0, 1)                      prior over the latent state at the batch's first time
 *     z(t) = odeint(f, z₀, t)           one autonomous field for all series
 *     x(tᵢ) ~ N(decoder(z(tᵢ)), σ²)     independent, given the path
 *
 * trained as a variational autoencoder: the encoder's q(z₀ | x) and the evidence lower bound
 *
 *     ELBO = E_q Σᵢ log p(x(tᵢ) | z(tᵢ)) − KL(q(z₀ | x) ‖ N(0, 1)).
 */
import { direct } from '@neuralode/adjoint';
import { type DenseParams, mlp, rnnCell } from '@neuralode/nn';
import {
  type AdaptiveOptions,
  type FixedStepOptions,
  type OdeintOptions,
  odeint,
} from '@neuralode/solvers';
import { ArgumentError, type Operand, type Random, Tensor } from '@neuralode/tensor';
import { type ReadyBatch, readBatch, type SeriesBatch } from './batch.ts';
import { type CellMaker, type EncoderParams, encoder } from './encoder.ts';
import {
  type Gaussian,
  gaussianLogDensity,
  klFromStandardNormal,
  reparametrise,
} from './gaussian.ts';

/** Parameters of the model: a tree of tensors. */
export interface LatentOdeParams {
  readonly encoder: EncoderParams;
  readonly field: readonly DenseParams[];
  readonly decoder: readonly DenseParams[];
}

/** The networks. Defaults are the paper's where it gives them. */
export interface LatentOdeNetworks {
  /** Values of a point. */
  readonly observed: number;
  /** σ of the Gaussian likelihood, in the units of the values. */
  readonly observationNoise: number;
  /** Dimensions of z. Default 4. */
  readonly latent?: number;
  /** Hidden units of the recognition network. Default 25. */
  readonly encoderHidden?: number;
  /** Hidden units of the field's one hidden layer. Default 20. */
  readonly fieldHidden?: number;
  /** Hidden units of the decoder's one hidden layer. Default 20. */
  readonly decoderHidden?: number;
  /** Default `rnnCell`; `gruCell` remembers longer. */
  readonly cell?: CellMaker;
  /** Shows the encoder the time to the next observation. Default true. */
  readonly gaps?: boolean;
  /** Single values may be missing from a point: masks are [batch, time, observed]. Default false. */
  readonly missingValues?: boolean;
}

/** Settings of `latentOde`: the networks, and how the latent ODE is solved and differentiated (default: `direct()`). */
export type LatentOdeOptions = LatentOdeNetworks &
  (Omit<AdaptiveOptions<never>, 'args'> | Omit<FixedStepOptions<never>, 'args'>);

/** Times as numbers (constants of a recording), or as a tensor [time]. */
export type Times = readonly number[] | Tensor;

/** The bound and its two parts, scalars, averaged over the batch: elbo = logLikelihood − klWeight · kl. */
export interface Elbo {
  readonly elbo: Tensor;
  /** Σᵢ log p(x(tᵢ) | z(tᵢ)) over the observed points, for the one sample that the noise draws. */
  readonly logLikelihood: Tensor;
  /** In closed form. */
  readonly kl: Tensor;
}

/** The bound, with what `drift` asks for. */
export interface ElboWithDrift extends Elbo {
  /**
   * How far the path runs from what the encoder says of the observations from then on: the squared distance of z(t) and
   * the mean of q(z(t) | x(t) …), averaged over the batch and over the times of the first half.
   */
  readonly drift: Tensor;
}

export interface ElboOptions {
  /** β of the divergence; rises from 0 where training anneals it (Rubanova 2019). Default 1. */
  readonly klWeight?: Operand;
}

export interface DriftOptions extends ElboOptions {
  /**
   * Gives the drift too, at the cost of one more layer; add it to the loss. Not in the paper. The bound alone leaves
   * open where in latent space a path goes after the time span that it was trained over; with this, it goes where
   * paths of later starts go, so that extrapolation leads through known country.
   */
  readonly drift: true;
}

/** The model: pure functions of its parameters, to be recorded by `grad`, `jit` or run inside `evaluate`. */
export interface LatentOde {
  /** Dimensions of z: the noise of `elbo` is [batch, latent]. */
  readonly latent: number;
  /** Fresh parameters; they belong to the caller. */
  init(rng: Random): LatentOdeParams;
  /** q(z₀ | x) at the batch's first time: mean and log variance [batch, latent]. */
  encode(params: LatentOdeParams, batch: SeriesBatch): Gaussian;
  /** The latent path [batch, time, latent] from `z0` [batch, latent], the state at the first of `times`. */
  path(params: LatentOdeParams, z0: Tensor, times: Times): Tensor;
  /** The same in the space of the data, without noise: [batch, time, observed]. */
  decode(params: LatentOdeParams, z0: Tensor, times: Times): Tensor;
  /**
   * Encodes a batch and decodes the mean of z₀ at `times` (default: the batch's own), observed or not, inside the
   * observed span or beyond it: [batch, time, observed]. No time may lie before the batch's first; times in a tensor
   * must begin with it.
   */
  reconstruct(params: LatentOdeParams, batch: SeriesBatch, times?: Times): Tensor;
  /** The evidence lower bound of a batch, with `noise` from N(0, 1) of shape [batch, latent]. */
  elbo(
    params: LatentOdeParams,
    batch: SeriesBatch,
    noise: Tensor,
    options: DriftOptions,
  ): ElboWithDrift;
  elbo(params: LatentOdeParams, batch: SeriesBatch, noise: Tensor, options?: ElboOptions): Elbo;
}

/** Makes a latent ODE; see the head of this file. */
export function latentOde(options: LatentOdeOptions): LatentOde {
  const { observed, latent, observationNoise, networks, solve } = settingsOf(options);
  const { recognition, field, decoder } = networks;

  const pathInTime = (params: LatentOdeParams, z0: Tensor, times: Times): Tensor => {
    const single = !(times instanceof Tensor) && times.length === 1;
    if (single) return z0.expandDims(0);
    const derivative = (_t: Tensor, z: Tensor, p: LatentOdeParams['field']): Tensor =>
      field.apply(p, z);
    return odeint(derivative, z0, times, { ...solve, args: params.field }).ys;
  };
  const decodePath = (params: LatentOdeParams, path: Tensor): Tensor =>
    decoder.apply(params.decoder, path).transpose([1, 0, 2]);
  const encodeReady = (params: LatentOdeParams, batch: ReadyBatch): Gaussian =>
    recognition.encode(params.encoder, batch);

  return {
    latent,
    init: (rng) => ({
      encoder: recognition.init(rng),
      field: field.init(rng),
      decoder: decoder.init(rng),
    }),
    encode: (params, batch) => encodeReady(params, readBatch(batch, observed, 'encode')),
    path: (params, z0, times) => pathInTime(params, z0, times).transpose([1, 0, 2]),
    decode: (params, z0, times) => decodePath(params, pathInTime(params, z0, times)),
    reconstruct(params, batch, times = batch.times) {
      const { mean } = encodeReady(params, readBatch(batch, observed, 'reconstruct'));
      const { all, skipped } = fromStart(batch.times, times);
      const path = pathInTime(params, mean, all);
      return decodePath(params, skipped === 0 ? path : path.slice([skipped]));
    },
    elbo: ((params, batch, noise, options = {}) => {
      const { klWeight = 1, drift = false } = options as Partial<DriftOptions>;
      const ready = readBatch(batch, observed, 'elbo');
      const each = drift ? recognition.encodeEach(params.encoder, ready) : undefined;
      const posterior = each === undefined ? encodeReady(params, ready) : atStart(each);
      const path = pathInTime(params, reparametrise(posterior, noise), batch.times);
      const means = decodePath(params, path);
      const density = gaussianLogDensity(ready.values, means, Math.log(observationNoise));
      const seen = ready.valueMask === undefined ? density : density.mul(ready.valueMask);
      const logLikelihood = seen.sum().mul(1 / ready.count);
      const kl = klFromStandardNormal(posterior)
        .sum()
        .mul(1 / ready.count);
      const bound = { elbo: logLikelihood.sub(kl.mul(klWeight)), logLikelihood, kl };
      return each === undefined ? bound : { ...bound, drift: driftOf(path, each.mean) };
    }) as LatentOde['elbo'],
  };
}

function atStart({ mean, logVariance }: Gaussian): Gaussian {
  return { mean: mean.at(0), logVariance: logVariance.at(0) };
}

/** Mean over the first half of the times and over the batch of ‖z(t) − mean(t)‖²; both are [time, batch, latent]. */
function driftOf(path: Tensor, means: Tensor): Tensor {
  const [length, count] = path.shape as [number, number, number];
  const half = Math.ceil(length / 2);
  const firstHalf = (x: Tensor): Tensor => x.slice([0], [half]);
  return firstHalf(path)
    .sub(firstHalf(means))
    .square()
    .sum()
    .mul(1 / (half * count));
}

/** Options taken apart: the networks, and what `odeint` gets. */
function settingsOf(options: LatentOdeOptions) {
  const {
    observed,
    observationNoise,
    latent = 4,
    encoderHidden = 25,
    fieldHidden = 20,
    decoderHidden = 20,
    cell = rnnCell,
    gaps = true,
    missingValues = false,
    ...given
  } = options;
  if (!(observationNoise > 0 && Number.isFinite(observationNoise))) {
    throw new ArgumentError({
      what: 'latentOde: observationNoise out of range',
      got: String(observationNoise),
      expected: 'a number > 0: the standard deviation of the values about the decoded path',
    });
  }
  const solve = { gradient: direct(), ...given } as OdeintOptions<LatentOdeParams['field']>;
  const networks = {
    recognition: encoder({ observed, latent, hidden: encoderHidden, cell, gaps, missingValues }),
    field: mlp([latent, fieldHidden, latent]),
    decoder: mlp([latent, decoderHidden, observed]),
  };
  return { observed, latent, observationNoise, networks, solve };
}

/** `times` with the time of z₀ in front, where it is not there already. */
function fromStart(batchTimes: Times, times: Times): { all: Times; skipped: number } {
  if (times instanceof Tensor) return { all: times, skipped: 0 };
  if (batchTimes instanceof Tensor) {
    throw new ArgumentError({
      what: 'reconstruct: the times are numbers and those of the batch a tensor, so their starts cannot be compared',
      remedy: 'Give both as numbers or both as tensors',
    });
  }
  const [start] = batchTimes;
  const [first] = times;
  if (first === undefined || start === undefined || first < start) {
    throw new ArgumentError({
      what: 'reconstruct: a time before the first of the batch, where z₀ stands',
      got: String(first),
      expected: `times ≥ ${start}`,
    });
  }
  return first === start ? { all: times, skipped: 0 } : { all: [start, ...times], skipped: 1 };
}
