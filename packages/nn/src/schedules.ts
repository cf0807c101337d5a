/**
 * Learning-rate schedules: functions of the number of updates made so far, a scalar float tensor. They are recorded
 * with the training step, so a changing rate costs no new recording and survives in a checkpoint with the step count.
 */
import { ArgumentError, full, minimum, onesLike, type Tensor, where } from '@neuralode/tensor';

/** The learning rate (a scalar tensor) of update number `step` (a scalar float tensor, the first update is 0). */
export type Schedule = (step: Tensor) => Tensor;

/** What an optimiser takes as a learning rate. */
export type LearningRate = number | Schedule;

/** The learning rate at `step`, as a scalar tensor of its dtype. */
export function learningRateAt(rate: LearningRate, step: Tensor): Tensor {
  return typeof rate === 'number' ? full([], rate, { dtype: step.dtype }) : rate(step);
}

/** Throws unless a fixed rate is a positive number; a schedule's values are not known before it runs. */
export function requireLearningRate(rate: LearningRate, what: string): void {
  if (typeof rate === 'function' || (Number.isFinite(rate) && rate >= 0)) return;
  throw new ArgumentError({
    what: `${what}: learningRate out of range`,
    got: String(rate),
    expected: 'a number ≥ 0, or a schedule',
  });
}

function requirePositive(value: number, what: string): void {
  if (Number.isFinite(value) && value > 0) return;
  throw new ArgumentError({ what, got: String(value), expected: 'a number > 0' });
}

/** Settings of `exponentialDecay`. */
export interface ExponentialDecayOptions {
  /** The first rate. */
  readonly start: number;
  /** What the rate is multiplied by … */
  readonly factor: number;
  /** … over this many updates, smoothly. Default 1. */
  readonly over?: number;
  /** The rate never falls below this. Default 0. */
  readonly end?: number;
}

/** max(end, start · factor^(step / over)). With `over: 1`, torch's `ExponentialLR` stepped every update. */
export function exponentialDecay({
  start,
  factor,
  over = 1,
  end = 0,
}: ExponentialDecayOptions): Schedule {
  requirePositive(factor, 'exponentialDecay: factor out of range');
  requirePositive(over, 'exponentialDecay: over out of range');
  return (step) =>
    step
      .mul(Math.log(factor) / over)
      .exp()
      .mul(start)
      .maximum(end);
}

/** Settings of `cosineDecay`. */
export interface CosineDecayOptions {
  /** The first rate. */
  readonly start: number;
  /** The rate after `over` updates and ever after. Default 0. */
  readonly end?: number;
  readonly over: number;
}

/** Half a cosine from `start` to `end` (Loshchilov, Hutter 2016, eq. 5, without restarts). */
export function cosineDecay({ start, end = 0, over }: CosineDecayOptions): Schedule {
  requirePositive(over, 'cosineDecay: over out of range');
  const half = (start - end) / 2;
  return (step) =>
    step
      .minimum(over)
      .mul(Math.PI / over)
      .cos()
      .add(1)
      .mul(half)
      .add(end);
}

/** Settings of `stepDecay`. */
export interface StepDecayOptions {
  /** The first rate. */
  readonly start: number;
  /** What the rate is multiplied by at each step. Default 0.1. */
  readonly factor?: number;
  /** Numbers of updates after which the rate steps, in rising order. */
  readonly at: readonly number[];
}

/** start · factor^(steps passed): torch's `MultiStepLR`, stepped every update. */
export function stepDecay({ start, factor = 0.1, at }: StepDecayOptions): Schedule {
  requirePositive(factor, 'stepDecay: factor out of range');
  for (const updates of at) requirePositive(updates, 'stepDecay: number of updates out of range');
  return (step) => {
    const rate = full([], start, { dtype: step.dtype });
    return at.reduce(
      (value, updates) => value.mul(where(step.less(updates), onesLike(step), factor)),
      rate,
    );
  };
}

/** Rises linearly over `updates` updates to the first rate of `then`, which starts when the rise is done. */
export function warmup(updates: number, then: LearningRate): Schedule {
  requirePositive(updates, 'warmup: number of updates out of range');
  return (step) => {
    const rise = minimum(step.add(1).div(updates), 1);
    const after = step.sub(updates).maximum(0);
    return learningRateAt(then, after).mul(rise);
  };
}
