/**
 * The recognition network q(z₀ | x): a recurrent cell run over the observations from the last to the first, and a
 * linear layer from its final state to the mean and log variance of a Gaussian over the latent state at the first time
 * of the batch (Chen, Rubanova, Bettencourt, Duvenaud 2018, section 5).
 *
 * A series may begin later than its batch, so the layer is shown the time from there to its first observation. With
 * that, the cell's state at any time on the way is an encoding too: of the observations from then on, for the latent
 * state then.
 */
import { type Cell, type CellParams, type DenseParams, dense } from '@neuralode/nn';
import { concat, type Random, type Tensor, where } from '@neuralode/tensor';
import type { ReadyBatch } from './batch.ts';
import type { Gaussian } from './gaussian.ts';
import { knownValues, runCell, stepInputs } from './recurrence.ts';
import { gapsToNext } from './time-gaps.ts';

export interface EncoderParams {
  readonly cell: CellParams;
  /** [hidden (+ 1 for the time to the first observation), 2 · latent]: the means, then the log variances. */
  readonly head: DenseParams;
}

/** Makes the cell of a network with so many inputs and hidden units: `rnnCell` or `gruCell` of @neuralode/nn. */
export type CellMaker = (inputs: number, hidden: number) => Cell<CellParams>;

export interface EncoderOptions {
  readonly observed: number;
  readonly latent: number;
  readonly hidden: number;
  readonly cell: CellMaker;
  /** Whether each step also shows the time to the next observation, and the layer that to the first. */
  readonly gaps: boolean;
  /** Whether each step also shows which of its values are there. */
  readonly missingValues: boolean;
}

export interface Encoder {
  init(rng: Random): EncoderParams;
  /** The distribution over the state at the batch's first time: mean and log variance [batch, latent]. */
  encode(params: EncoderParams, batch: ReadyBatch): Gaussian;
  /** At every time, from the observations then and later: mean and log variance [time, batch, latent]. */
  encodeEach(params: EncoderParams, batch: ReadyBatch): Gaussian;
}

export function encoder(options: EncoderOptions): Encoder {
  const { observed, latent, hidden, gaps, missingValues } = options;
  const cell = options.cell(observed * (missingValues ? 2 : 1) + (gaps ? 1 : 0), hidden);
  const head = dense(hidden + (gaps ? 1 : 0), 2 * latent);

  const run = (params: EncoderParams, batch: ReadyBatch, keep?: 'states') => {
    const toNext = gaps ? gapsToNext(batch) : undefined;
    const inputs = stepInputs(batch.values, knownValues(batch, missingValues), toNext);
    const options = { reverse: true, ...(keep && { keep }) };
    const { last, steps } = runCell(cell, params.cell, inputs, batch.pointMask, options);
    return { last, steps, toFirst: toNext && timeToFirst(batch, toNext) };
  };
  /** `states` […, hidden] and `toFirst` […, 1] to a Gaussian […, latent]. */
  const toGaussian = (params: EncoderParams, states: Tensor, toFirst: Tensor | undefined) => {
    const axis = states.rank - 1;
    const both = head.apply(params.head, toFirst ? concat([states, toFirst], axis) : states);
    const half = (from: number): Tensor =>
      both.slice(
        both.shape.map((_, i) => (i === axis ? from : 0)),
        both.shape.map((extent, i) => (i === axis ? latent : extent)),
      );
    return { mean: half(0), logVariance: half(latent) };
  };

  return {
    init: (rng) => ({ cell: cell.init(rng), head: head.init(rng) }),
    encode(params, batch) {
      const { last, toFirst } = run(params, batch);
      return toGaussian(params, last, toFirst?.slice([0, 0], [-1, 1]));
    },
    encodeEach(params, batch) {
      const { steps, toFirst } = run(params, batch, 'states');
      return toGaussian(params, steps as Tensor, toFirst?.transpose([1, 0]).expandDims(-1));
    },
  };
}

/** [batch, time]: from each time to the first observation at it or later. */
function timeToFirst({ pointMask }: ReadyBatch, toNext: Tensor): Tensor {
  return pointMask === undefined ? toNext.mul(0) : where(pointMask.greater(0.5), 0, toNext);
}
