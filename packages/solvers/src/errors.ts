/**
 * How a solve can fail: each a named status, and an error that says at what time, what happened, and the remedy.
 */
import { type Complaint, NeuralodeError } from '@neuralode/tensor';

/** How a solve ended. */
export type SolveStatus =
  | 'success'
  | 'ended-by-event'
  | 'non-finite'
  | 'step-size-vanished'
  | 'max-steps-reached'
  | 'newton-failed'
  | 'events-pile-up'
  | 'aborted';

/** Which solve: the one that was asked for, or the one that its gradient runs. */
export type SolvePass = 'forward' | 'backward';

/** Where else than in time a solve failed. */
interface FailurePlace {
  /** The door by which the solve was asked for. */
  readonly who?: string;
  /** The row, in a batched solve. */
  readonly row?: number;
}

/** Base of the failures of a solve in progress. */
export class SolveError extends NeuralodeError {
  readonly status: SolveStatus;
  /** Where in time the solve stood. */
  readonly time: number;
  readonly pass: SolvePass;
  /** Which row failed, in a batched solve. */
  readonly row?: number;

  constructor(
    status: SolveStatus,
    time: number,
    pass: SolvePass,
    complaint: Complaint,
    { who = 'odeint', row }: FailurePlace = {},
  ) {
    const prefix = pass === 'forward' ? `${who}: ` : `${who}, backward solve of the gradient: `;
    const place = row === undefined ? '' : `row ${row}: `;
    super({ ...complaint, what: prefix + place + complaint.what });
    if (row !== undefined) this.row = row;
    this.status = status;
    this.time = time;
    this.pass = pass;
  }
}

/** What y0 brings is not the field's doing. */
function remedyFor(what: string): string {
  return what.startsWith('the initial state')
    ? 'Check y0'
    : 'Check the field for divisions, logarithms and growth at that time; or use smaller steps or tighter tolerances';
}

/** The field, the state or the condition of an event became NaN or infinite. */
export class NonFiniteError extends SolveError {
  constructor(
    time: number,
    pass: SolvePass,
    what: string,
    place?: FailurePlace,
    remedy = remedyFor(what),
  ) {
    super('non-finite', time, pass, { what: `${what} at t = ${time}`, remedy }, place);
  }
}

/** The failure of a state found not finite: after a step from `start`, or as it stands where that is `time`. */
export function stateError(
  start: number,
  time: number,
  initial: boolean,
  pass: SolvePass,
  place?: FailurePlace,
): NonFiniteError {
  const what =
    time !== start
      ? `the field or the state is not finite after the step from t = ${start},`
      : `the ${initial ? 'initial ' : ''}state is not finite`;
  return new NonFiniteError(time, pass, what, place);
}

/** The failure of a solve whose event's condition became NaN: its crossings would be missed without a word. */
export function conditionError(event: number, time: number, who: string): NonFiniteError {
  return new NonFiniteError(
    time,
    'forward',
    `the condition of event ${event} is not a number`,
    { who },
    'Make it one wherever the solve goes, for instance of what stands under its root or logarithm',
  );
}

/** What a step had to meet. */
interface StepDemands {
  readonly rtol: number;
  readonly atol: number;
  readonly minStep?: number;
}

/** No step, however small, or as small as `minStep` allows, met the tolerances. */
export class StepSizeError extends SolveError {
  constructor(
    time: number,
    pass: SolvePass,
    step: number,
    { rtol, atol, minStep = 0 }: StepDemands,
    dtype: string,
    place?: FailurePlace,
  ) {
    const small = `${step.toExponential(1)} at t = ${time}`;
    const reason = `rtol ${rtol}, atol ${atol} in ${dtype} cannot be met`;
    const there = 'check the field for a discontinuity or a blow-up there';
    const complaint =
      step < minStep
        ? {
            what: `a step of ${small} is shorter than minStep ${minStep} (${reason} otherwise)`,
            remedy: `Lower minStep, loosen rtol and atol, or ${there}`,
          }
        : {
            what: `step size fell to ${small} (${reason})`,
            remedy: `Loosen rtol and atol, run in float64, or ${there}`,
          };
    super('step-size-vanished', time, pass, complaint, place);
  }
}

/** The solve took more steps than it was allowed. */
export class MaxStepsError extends SolveError {
  constructor(time: number, pass: SolvePass, steps: number, end: number, place?: FailurePlace) {
    const complaint = {
      what: `${steps} steps got only as far as t = ${time} on the way to t = ${end}`,
      remedy:
        'Raise maxSteps, loosen rtol and atol, or use a larger stepSize; a stiff field needs an implicit method',
    };
    super('max-steps-reached', time, pass, complaint, place);
  }
}

/** Newton's iteration for the stages of an implicit step did not converge. */
export class NewtonError extends SolveError {
  constructor(time: number, pass: SolvePass, step: number) {
    super('newton-failed', time, pass, {
      what: `Newton's iteration did not converge in a step of ${step.toExponential(1)} from t = ${time}`,
      remedy:
        'Use a smaller stepSize or an adaptive method, loosen rtol and atol, or check the field for a discontinuity there',
    });
  }
}

/** The solve was stopped from outside, by its AbortSignal, whose reason is the `cause`. */
export class AbortedError extends SolveError {
  constructor(time: number, pass: SolvePass, reason: unknown, place?: FailurePlace) {
    super('aborted', time, pass, { what: `stopped by its signal at t = ${time}` }, place);
    this.cause = reason;
  }
}

/** Events that change the state follow each other ever faster, and time stands still. */
export class EventsPileUpError extends SolveError {
  constructor(time: number, pass: SolvePass, place?: FailurePlace) {
    const complaint = {
      what: `events follow each other ever faster up to t = ${time}`,
      remedy:
        'End the solve there with a terminal event, or let the change bring the state to rest',
    };
    super('events-pile-up', time, pass, complaint, place);
  }
}

/** How the run loop leaves a solve that an event ends; no error to a user, who is handed what there is. */
export class EndedByEvent extends Error {}

/** The field is not one: its value does not fit the state. */
export class FieldError extends NeuralodeError {}
