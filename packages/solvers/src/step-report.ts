/**
 * What a solve tells of itself while it runs, and how it is stopped from outside.
 */
import { ArgumentError } from '@neuralode/tensor';
import { shown } from './call.ts';
import { AbortedError, type SolvePass } from './errors.ts';

/** One attempt at a step. */
export interface StepReport {
  /** Where the solve now stands. */
  readonly t: number;
  /** The signed length that was tried. */
  readonly h: number;
  readonly accepted: boolean;
  /** How much of the time from start to end is done, 0 to 1. */
  readonly fraction: number;
  readonly pass: SolvePass;
}

export interface Oversight {
  /** Called on the host after every attempted step. */
  readonly onStep?: (step: StepReport) => void;
  /** Stops the solve with an AbortedError before its next step. */
  readonly signal?: AbortSignal;
}

/** Throws where the signal says so. */
export function heed({ signal }: Oversight, t: number, pass: SolvePass, who?: string): void {
  if (signal?.aborted)
    throw new AbortedError(t, pass, signal.reason, who === undefined ? {} : { who });
}

/** Checks both, as given by a user. */
export function oversightOf(options: object, who: string): Oversight {
  const { onStep, signal } = options as Oversight;
  if (onStep !== undefined && typeof onStep !== 'function') {
    throw new ArgumentError({ what: `${who}: onStep must be a function`, got: shown(onStep) });
  }
  if (signal !== undefined && typeof signal?.aborted !== 'boolean') {
    throw new ArgumentError({
      what: `${who}: signal must be an AbortSignal`,
      got: shown(signal),
      remedy: 'Pass the .signal of a new AbortController()',
    });
  }
  return { ...(onStep && { onStep }), ...(signal && { signal }) };
}
