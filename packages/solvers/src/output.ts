/**
 * What of a solve is kept: the state at given times (where nothing is said), or at the steps that the solve took.
 */
import { ArgumentError } from '@neuralode/tensor';
import { shown } from './call.ts';

/** Keeps the state after every n-th accepted step, at the start and at the end. */
export interface EveryStep {
  readonly kind: 'every-step';
  readonly every: number;
}

/** Keeps the state at the start, after every `every`-th accepted step, and at the end. */
export function everyStep(every = 1): EveryStep {
  if (Number.isInteger(every) && every > 0) return { kind: 'every-step', every };
  throw new ArgumentError({
    what: 'everyStep: how many steps to go by must be a positive integer',
    got: shown(every),
    remedy: 'Leave it out for every step',
  });
}

/** Where the steps are kept, times between start and end have no meaning. */
export function requireSpan(times: { length: number }, output: unknown, who: string): void {
  if (output === undefined) return;
  if ((output as Partial<EveryStep> | null)?.kind !== 'every-step') {
    throw new ArgumentError({
      what: `${who}: output is not one`,
      got: shown(output),
      remedy: 'Pass everyStep() or everyStep(n), or leave it out to observe at the times given',
    });
  }
  if (times.length === 2) return;
  throw new ArgumentError({
    what: `${who}: with output: everyStep() the steps decide what is kept`,
    got: `${times.length} times`,
    expected: 'two, the start and the end',
  });
}
