/**
 * The baseline of the paper's latent ODE: a recurrent network that predicts each observation from those before it, with
 * a Gaussian likelihood (section 5: 25 hidden units; and the same fed with the time to the observation it predicts).
 *
 *     hⱼ = cell(hⱼ₋₁, [xⱼ, tⱼ₊₁ − tⱼ])        p(xⱼ₊₁ | x₁ … xⱼ) = N(W hⱼ + b, σ²), σ learned
 *
 * Beyond the observed span it is fed its own predictions.
 */
import { type CellParams, type DenseParams, dense, rnnCell } from '@neuralode/nn';
import {
  concat,
  type Random,
  scan,
  ShapeError,
  type Tensor,
  tensor,
  zeros,
} from '@neuralode/tensor';
import { type ReadyBatch, readBatch, type SeriesBatch } from './batch.ts';
import type { CellMaker } from './encoder.ts';
import { gaussianLogDensity } from './gaussian.ts';
import { runCell, stepInputs } from './recurrence.ts';
import { lastObserved, observedBefore } from './time-gaps.ts';

/** Parameters of the baseline: a tree of tensors. */
export interface AutoregressiveRnnParams {
  readonly cell: CellParams;
  /** [hidden, observed]. */
  readonly head: DenseParams;
  /** log σ [observed]. */
  readonly logNoise: Tensor;
}

/** Settings of `autoregressiveRnn`. */
export interface AutoregressiveRnnOptions {
  /** Values of a point. */
  readonly observed: number;
  /** Default 25. */
  readonly hidden?: number;
  /** Default `rnnCell`. */
  readonly cell?: CellMaker;
  /** Feeds the time to the point that is predicted. Default true. */
  readonly gaps?: boolean;
}

/** The baseline: pure functions of its parameters. Masks are [batch, time]; single missing values are not handled. */
export interface AutoregressiveRnn {
  /** Fresh parameters; they belong to the caller. */
  init(rng: Random): AutoregressiveRnnParams;
  /** Σ log p(xⱼ | x₁ … xⱼ₋₁) over the observed points from the second on, averaged over the batch: a scalar. */
  logLikelihood(params: AutoregressiveRnnParams, batch: SeriesBatch): Tensor;
  /**
   * The prediction of every time of the batch, observed or not, from the observations before it:
   * [batch, time, observed]. Up to a series' first observation there is nothing to predict from.
   */
  predict(params: AutoregressiveRnnParams, batch: SeriesBatch): Tensor;
  /** Goes on from the last observation through `times`, on its own predictions: [batch, times, observed]. */
  extrapolate(
    params: AutoregressiveRnnParams,
    batch: SeriesBatch,
    times: readonly number[],
  ): Tensor;
}

/** Makes the baseline; see the head of this file. */
export function autoregressiveRnn(options: AutoregressiveRnnOptions): AutoregressiveRnn {
  const { observed, hidden = 25, gaps = true } = options;
  const cell = (options.cell ?? rnnCell)(observed + (gaps ? 1 : 0), hidden);
  const head = dense(hidden, observed);

  const read = (batch: SeriesBatch, who: string): ReadyBatch => {
    const ready = readBatch(batch, observed, who);
    if (ready.valueMask === undefined || ready.valueMask.shape[2] === 1) return ready;
    throw new ShapeError({
      what: `${who}: the autoregressive network needs whole points`,
      got: `a mask of single values`,
      expected: 'a mask [batch, time]',
    });
  };
  /** Runs over the batch: predictions [batch, time, observed], and the state before the last observation. */
  const run = (params: AutoregressiveRnnParams, batch: ReadyBatch) => {
    const before = observedBefore(batch);
    const inputs = stepInputs(before.values, undefined, gaps ? before.gaps : undefined);
    // Where nothing was seen before, there is no step to make: the state stays at its start.
    const mask = batch.pointMask === undefined ? before.seen : batch.pointMask.mul(before.seen);
    const { last, steps } = runCell(cell, params.cell, inputs, mask, { keep: 'candidates' });
    const predicted = head.apply(params.head, steps as Tensor).transpose([1, 0, 2]);
    return { predicted, last, mask };
  };

  return {
    init: (rng) => ({
      cell: cell.init(rng),
      head: head.init(rng),
      logNoise: zeros([observed]),
    }),
    logLikelihood(params, batch) {
      const ready = read(batch, 'logLikelihood');
      const { predicted, mask } = run(params, ready);
      const density = gaussianLogDensity(ready.values, predicted, params.logNoise);
      return density
        .mul(mask.expandDims(-1))
        .sum()
        .mul(1 / ready.count);
    },
    predict: (params, batch) => run(params, read(batch, 'predict')).predicted,
    extrapolate(params, batch, times) {
      const ready = read(batch, 'extrapolate');
      const state = run(params, ready).last;
      const from = lastObserved(ready);
      const stepGaps = gaps ? gapsBetween(from.times, times) : undefined;
      const step = (
        { h, x }: { h: Tensor; x: Tensor },
        { gap }: { gap?: Tensor },
      ): [{ h: Tensor; x: Tensor }, Tensor] => {
        const next = cell.apply(params.cell, h, gap === undefined ? x : concat([x, gap], 1));
        const mean = head.apply(params.head, next);
        return [{ h: next, x: mean }, mean];
      };
      const carry = { h: state, x: from.values };
      const xs = stepGaps === undefined ? {} : { gap: stepGaps };
      const [, means] = scan(step, carry, xs, { length: times.length });
      return means.transpose([1, 0, 2]);
    },
  };
}

/** [times, batch, 1]: from the last observation to the first time, then from time to time. */
function gapsBetween(last: Tensor, times: readonly number[]): Tensor {
  const [count] = last.shape as [number];
  const { dtype } = last;
  const all = tensor([...times], { dtype })
    .reshape([-1, 1])
    .broadcastTo([times.length, count]);
  const before = concat([last.reshape([1, count]), all.slice([0, 0], [times.length - 1, count])]);
  return all.sub(before).expandDims(-1);
}
