/** What is told of a training, for every system the same. */
import type { Spread } from '../timing/spread.ts';

/** One row of the results of a training bench; the Python peers print the same: see bench/peers/training.py. */
export interface TrainingResult {
  readonly system: string;
  readonly backend: string;
  readonly gradient: string;
  readonly msPerIteration: Spread;
  /** The first iteration, with all that is compiled or recorded only once. */
  readonly firstStepMs: number;
  /** Evaluations of the field an iteration, forwards; and backwards, where `direct` counts vector-Jacobian products. */
  readonly nfeForward: number | null;
  readonly nfeBackward: number | null;
  /** Of the last iteration. */
  readonly loss: number;
  /** Before any update: equal for all systems, or they do not train the same thing. */
  readonly initialLoss: number;
}

/** With the norm of the gradient before any update, which is equal for all systems too. */
export interface ResultWithNorm extends TrainingResult {
  readonly initialGradientNorm: number;
}

/** A number for a table; a dash where it is not known. */
export const shown = (value: number | null, digits: number): string =>
  value?.toFixed(digits) ?? '–';
