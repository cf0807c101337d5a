/**
 * The recognition network q(z₀ | x): a recurrent cell run over the observations from the last to the first, and a
 * linear layer from its final state to the mean and log variance of a Gaussian over the latent state at the first time
 * of the batch (Chen, Rubanova, Bettencourt, Duvenaud 2018, section 5).
 */
import { type Cell, type CellParams, type DenseParams, dense } from '@neuralode/nn';
import type { Random } from '@neuralode/tensor';
import type { ReadyBatch } from './batch.ts';
import type { Gaussian } from './gaussian.ts';
import { knownValues, runCell, stepInputs } from './recurrence.ts';
import { gapsToNext } from './time-gaps.ts';

export interface EncoderParams {
  readonly cell: CellParams;
  /** [hidden, 2 · latent]: the means, then the log variances. */
  readonly head: DenseParams;
}

/** Makes the cell of a network with so many inputs and hidden units: `rnnCell` or `gruCell` of @neuralode/nn. */
export type CellMaker = (inputs: number, hidden: number) => Cell<CellParams>;

export interface EncoderOptions {
  readonly observed: number;
  readonly latent: number;
  readonly hidden: number;
  readonly cell: CellMaker;
  /** Whether each step also shows the time to the next observation. */
  readonly gaps: boolean;
  /** Whether each step also shows which of its values are there. */
  readonly missingValues: boolean;
}

export interface Encoder {
  init(rng: Random): EncoderParams;
  /** The distribution over z₀: mean and log variance [batch, latent]. */
  encode(params: EncoderParams, batch: ReadyBatch): Gaussian;
}

export function encoder(options: EncoderOptions): Encoder {
  const { observed, latent, hidden, gaps, missingValues } = options;
  const cell = options.cell(observed * (missingValues ? 2 : 1) + (gaps ? 1 : 0), hidden);
  const head = dense(hidden, 2 * latent);
  return {
    init: (rng) => ({ cell: cell.init(rng), head: head.init(rng) }),
    encode(params, batch) {
      const inputs = stepInputs(
        batch.values,
        knownValues(batch, missingValues),
        gaps ? gapsToNext(batch) : undefined,
      );
      const { last } = runCell(cell, params.cell, inputs, batch.pointMask, { reverse: true });
      const both = head.apply(params.head, last);
      return {
        mean: both.slice([0, 0], [-1, latent]),
        logVariance: both.slice([0, latent], [-1, latent]),
      };
    },
  };
}
