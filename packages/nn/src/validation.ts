/**
 * Validation: scoring the parameters now and then on data that they are not trained on, and keeping the best of them.
 * For early stopping, count in `onIteration` how long no score has been better, and abort the signal.
 */
import { ArgumentError, disposeTree } from '@neuralode/tensor';
import { sharedTree, type TrainingState } from './training-state.ts';

/** How to validate. `P` is the tree of parameters. */
export interface Validation<P> {
  /** After every so many iterations. */
  readonly every: number;
  /** The score of parameters (lent until it is done); lower is better. What it throws ends the run. */
  readonly measure: (params: P) => number | Promise<number>;
}

export function requireValidation(validation: Validation<never> | undefined): void {
  if (validation === undefined) return;
  if (Number.isSafeInteger(validation.every) && validation.every > 0) return;
  throw new ArgumentError({
    what: 'train: validation.every',
    got: String(validation.every),
    expected: 'a positive integer',
  });
}

/** Scores `state` where it is its turn; the state returned holds the best parameters so far. */
export async function validate<P, S>(
  state: TrainingState<P, S>,
  validation: Validation<P> | undefined,
): Promise<{ readonly state: TrainingState<P, S>; readonly score?: number }> {
  if (validation === undefined || state.iteration % validation.every !== 0) return { state };
  const { params, iteration, best } = state;
  const score = await validation.measure(params);
  // a NaN is never the best
  if (!(score < (best?.score ?? Number.POSITIVE_INFINITY))) return { state, score };
  disposeTree(best?.params);
  return { state: { ...state, best: { params: sharedTree(params), score, iteration } }, score };
}
