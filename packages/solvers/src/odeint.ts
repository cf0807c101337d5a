/**
 * `odeint`: integrates dy/dt = f(t, y, args).
 */
import {
  apply,
  deviceFunction,
  flatten,
  type Pending,
  type Run,
  RecordingError,
  Tensor,
  tensor,
} from '@neuralode/tensor';
import type { Times } from './batched/row-times.ts';
import { requireCall } from './call.ts';
import { eagerSolve, type OutputOptions } from './eager-solve.ts';
import { odeSolve } from './ode-solve.ts';
import type { Field, Options } from './odeint-options.ts';
import { requireSpan } from './output.ts';
import { solveAttrs } from './prepare-solve.ts';
import { saveRows } from './save-rows.ts';
import { recordedSolution, type Solution } from './solution.ts';

/** Applies `save`, if any, to the rows of a solve. */
function saved<Y, Saved>(ys: Y, ts: Times, { save }: OutputOptions<Y, Saved>): Saved {
  if (save === undefined) return ys as unknown as Saved;
  const { dtype } = flatten(ys).tensors[0];
  return saveRows(
    save,
    ts instanceof Tensor ? ts : tensor([...(ts as readonly number[])], { dtype }),
    ys,
  );
}

function refuseWhileRecording(options: object): void {
  const { throwOnFailure = true } = options as OutputOptions<unknown, unknown>;
  if (!throwOnFailure) {
    throw new RecordingError({
      what: 'odeint: throwOnFailure: false is for solves outside of a recorded function, whose results have fixed shapes',
      remedy: 'Leave it out, and catch the error where the function runs',
    });
  }
  const wrong = ['output', 'dense', 'events'].find((name) => Boolean((options as never)[name]));
  if (wrong === undefined) return;
  throw new RecordingError({
    what: `odeint: ${wrong} is not to be had inside a recorded function, where the number of steps is not known`,
    remedy:
      wrong === 'events'
        ? 'Use odeintEvent, which ends at the first event; or solve outside'
        : 'Observe at given times, or solve outside',
  });
}

function solveWhileRecording<Y, Args, Saved>(
  field: Field<Y, Args>,
  y0: Y,
  ts: Times,
  options: Options<Y, Args, Saved> = {},
): Solution<Y, Saved> {
  requireCall({ field, ts, options }, 'odeint');
  refuseWhileRecording(options);
  const { onSolve } = options;
  const { attrs, inputs } = solveAttrs(field, y0, ts, options, onSolve ? { onSolve } : {});
  const ys = flatten(y0).rebuild(apply(odeSolve, inputs, attrs));
  return recordedSolution(saved(ys, ts, options));
}

function* solveNow<Y, Args, Saved>(
  field: Field<Y, Args>,
  y0: Y,
  ts: Times,
  options: Options<Y, Args, Saved> = {},
): Run<Solution<Y, Saved>> {
  requireCall({ field, ts, options }, 'odeint');
  if (options.output !== undefined && options.batched !== true) {
    requireSpan({ length: ts instanceof Tensor ? ts.size : ts.length }, options.output, 'odeint');
  }
  return yield* eagerSolve((eager) => solveAttrs(field, y0, ts, options, eager), y0, options);
}

/**
 * Integrates dy/dt = field(t, y, args) from y0 at ts[0] through all of `ts`.
 *
 *     const { ys, stats } = await odeint((t, y) => y.neg(), tensor([1]), [0, 1, 2]);
 *
 * @param field see `Field`; it is recorded once, so it must not branch on values of tensors (use `where`)
 * @param y0 the state at ts[0]: a tree of float tensors
 * @param ts two or more times, increasing or decreasing; a tensor [T] where derivatives by the times are wanted.
 *   Numbers are kept in float64 whatever the dtype of the state. In a batched solve also one list a row, or [B, T]
 * @returns inside a recorded function (`grad`, `jit`) the solution itself; outside a promise of it, or by
 *   `odeint.sync(…)` the solution, on a device that can be read at once
 * @throws FieldError if the field's value does not fit the state; NonFiniteError, StepSizeError, MaxStepsError if the
 *   solve fails, each with the time; ArgumentError for times, tolerances and steps that make no sense
 */
export const odeint = deviceFunction(solveWhileRecording, solveNow) as unknown as Odeint;

export interface Odeint {
  <Y, Args = undefined, Saved = Y>(
    field: Field<Y, Args>,
    y0: Y,
    ts: Times,
    options?: Options<Y, Args, Saved>,
  ): Pending<Solution<Y, Saved>>;
  sync<Y, Args = undefined, Saved = Y>(
    field: Field<Y, Args>,
    y0: Y,
    ts: Times,
    options?: Options<Y, Args, Saved>,
  ): Solution<Y, Saved>;
}
