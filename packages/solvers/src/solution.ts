/**
 * What a solve hands back.
 */
import {
  ArgumentError,
  type Flat,
  type DeviceFunction,
  deviceFunction,
  type Pending,
  RecordingError,
  type Tensor,
} from '@neuralode/tensor';
import type { DenseSolution } from './dense-solution.ts';
import type { Happening } from './events/event-options.ts';
import type { SolveError } from './errors.ts';
import type { SolveStats } from './solve-attrs.ts';

/** The state at any time between start and end, by dense output. */
export interface StateAt<Y> {
  /** At one time: shaped like the state. A scalar tensor where derivatives by the time are wanted. */
  (t: number | Tensor): Pending<Y>;
  /** At several: each leaf [N, …]. */
  (ts: readonly number[]): Pending<Y>;
  sync(ts: number | readonly number[] | Tensor): Y;
}

/** A solve's result. */
export interface Solution<Y, Saved = Y> {
  /**
   * The state at all of `ts`: each leaf [T, …]; with `save`, what that made of it. `ys` at index 0 is y0.
   */
  readonly ys: Saved;
  /** The times of `ys`: those given, or those of the steps where `output` is `everyStep()`. */
  readonly ts: readonly number[];
  /** Of a batched solve: the times of each row; `ts` are then those of row 0. */
  readonly rowTimes?: readonly (readonly number[])[];
  /** What the solve cost. Known once it has run, so not inside a recorded function: pass `onSolve` there. */
  readonly stats: SolveStats;
  /** The events that happened, in order. */
  readonly events: readonly Happening<Y>[];
  /** Why the solve failed; only with `throwOnFailure: false`. */
  readonly failure?: SolveError;
  /** Only of an eager solve with `dense: true`; then also good inside recorded functions. */
  readonly at: StateAt<Y>;
  /** Frees `ys`, the states of `events`, and the steps that `at` is made of. */
  dispose(): void;
}

/** Reads `at` where a solve did not keep its steps. */
export const noDense: StateAt<never> = Object.assign(refuseDense, { sync: refuseDense });

function refuseDense(): never {
  throw new ArgumentError({
    what: 'odeint: at(t) needs the steps, which this solve did not keep',
    remedy: 'Pass { dense: true }',
  });
}

export function stateAt<Y>(solution: DenseSolution, state: Flat<Y>): StateAt<Y> {
  return deviceFunction((ts: number | readonly number[] | Tensor) =>
    state.rebuild(solution.leavesAt(ts)),
  ) as DeviceFunction<[number | readonly number[] | Tensor], Y> as StateAt<Y>;
}

/** The solution of a solve that is being recorded: what only a run can know is refused with a reason. */
export function recordedSolution<Y, Saved>(ys: Saved): Solution<Y, Saved> {
  const absent = (what: string, remedy: string): PropertyDescriptor => ({
    get() {
      throw new RecordingError({ what, remedy });
    },
  });
  // Not enumerable, so that a solution can be returned from a recorded function like any tree.
  return Object.defineProperties(
    { ys },
    {
      stats: absent(
        "A solve's statistics do not exist while it is only being recorded",
        'Pass { onSolve: (stats) => … }, which is called each time the solve has run',
      ),
      ts: absent(
        "A solve's times are not its own while it is being recorded",
        'Use the times that you pass',
      ),
      at: absent(
        'A solve that is only being recorded cannot be evaluated anywhere: its steps are not known yet',
        'Put the times into ts, or solve outside with { dense: true } and use that solution here',
      ),
      events: absent(
        'Events are for solves outside of a recorded function',
        'Solve outside, with { events: [{ when, … }] }',
      ),
      dispose: { value: () => {} },
    },
  ) as Solution<Y, Saved>;
}
