/**
 * Who looks on while a solve runs eagerly: told of each accepted step with the buffers it went through, which a recorded
 * solve forgets. Only for eager solves, whose result may have a size that the run decides.
 */
import type { Graph, Run, Slot } from '@neuralode/tensor';

/** A step just accepted. All slots are borrowed. */
export interface AcceptedStep {
  readonly start: number;
  /** Where the state now stands. */
  readonly end: number;
  /** The step's length, of which its interpolant is a function. */
  readonly h: number;
  readonly before: readonly Slot[];
  readonly after: readonly Slot[];
  /** Its interpolant. Inputs: θ, h, `before`, `stages`. Outputs: the state at start + θh. */
  readonly dense: Graph;
  /** What the interpolant combines: the step's stages, or whatever its method makes. */
  stages(): Run<readonly Slot[]>;
}

/** A step that ends before its end. */
export interface Cut {
  readonly end: number;
  /** The state there, which the loop takes over. */
  readonly state: Slot[];
  /** Whether the solve ends there too. */
  readonly terminal: boolean;
  /** The state to go on with; takes over `y`. */
  change(t: number, y: Slot[]): Run<Slot[]>;
}

export interface Witness {
  /** The solve, which is to observe at `times`, begins with this state. */
  begin(times: readonly number[], y: readonly Slot[]): Run<void>;
  /** The same of a batched solve, of which nothing else is told: the times of each row. */
  beginRows(times: readonly (readonly number[])[]): void;
  /** Whether an event ends the step. Asked before `accepted`. */
  inspect(step: AcceptedStep): Run<Cut | undefined>;
  accepted(step: AcceptedStep): Run<void>;
  /** The solve has ended well, with this state. */
  end(t: number, y: readonly Slot[]): void;
  /** The solve has failed, or an event has ended it; it was sound up to `t`, and had observed so much, [leaf][time]. */
  failed(t: number, observed: readonly (readonly Slot[])[]): void;
}
