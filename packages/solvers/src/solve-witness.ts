/**
 * Who looks on while a solve runs eagerly: told of each accepted step with the buffers it went through, which a recorded
 * solve forgets. Only for eager solves, whose result may have a size that the run decides.
 */
import type { Run, Slot } from '@neuralode/tensor';

/** A step just accepted. All slots are borrowed. */
export interface AcceptedStep {
  readonly start: number;
  /** Where the state now stands. */
  readonly end: number;
  /** The step's length, of which its interpolant is a function. */
  readonly h: number;
  readonly before: readonly Slot[];
  readonly after: readonly Slot[];
  /** The stages that the interpolant combines. */
  stages(): Run<readonly Slot[]>;
}

export interface Witness {
  /** The solve, which is to observe at `times`, begins with this state. */
  begin(times: readonly number[], y: readonly Slot[]): void;
  accepted(step: AcceptedStep): Run<void>;
  /** The solve has ended well, with this state. */
  end(t: number, y: readonly Slot[]): void;
  /** The solve has failed; it was sound up to `t`, and had observed so much, [leaf][time]. */
  failed(t: number, observed: readonly (readonly Slot[])[]): void;
}
