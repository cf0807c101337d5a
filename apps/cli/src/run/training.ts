/**
 * The door between a command and its model. A command knows folders, progress and signals; a model knows parameters
 * and losses. They meet here.
 */
import type { Evaluations } from './metrics-log.ts';

/** One iteration, as the model tells it. */
export interface Iteration {
  /** Iterations done, this one included, those before an interruption too. */
  readonly iteration: number;
  readonly loss: number;
  readonly nfe: Evaluations;
  /** The fraction of the iteration's examples that were classified rightly, before its update. */
  readonly accuracy?: number;
  /** Examples trained on in a second. */
  readonly perSecond?: number;
  /** The fraction of the test set that is classified rightly; after an epoch only. */
  readonly testAccuracy?: number;
}

/** A model in training. */
export interface Training {
  /** Iterations in all. */
  readonly iterations: number;
  /** Iterations done. */
  readonly done: number;
  /** Goes on to the end, or to the iteration during which `signal` is aborted; awaits `onIteration` each time. */
  run(signal: AbortSignal, onIteration: (iteration: Iteration) => Promise<void>): Promise<void>;
  /** All that is needed to go on from here, as a safetensors file. May be called inside `onIteration`. */
  checkpoint(): Promise<Uint8Array>;
}
