/**
 * `odeint`: integrates dy/dt = f(t, y, args).
 */
import {
  ArgumentError,
  apply,
  deviceFunction,
  DTypeError,
  flatten,
  type Graph,
  isFloat,
  leavesWithPaths,
  type Pending,
  type Run,
  RecordingError,
  record,
  requireSameStructure,
  sameShape,
  showShape,
  Tensor,
  tensor,
} from '@neuralode/tensor';
import { requireBatchedOptions } from './batched/batched-options.ts';
import { requireCall } from './call.ts';
import { controlOf, requireHeld } from './control-options.ts';
import type { StepController } from './control.ts';
import type { ControllerGains } from './controllers.ts';
import { eagerSolve, type OutputOptions, type PreparedSolve } from './eager-solve.ts';
import { FieldError } from './errors.ts';
import type { TensorEvent } from './events/event-search.ts';
import { methodOf } from './runge-kutta.ts';
import { dopri5 } from './methods/dopri5.ts';
import { customNorm, type ErrorNorm } from './norms.ts';
import { odeSolve } from './ode-solve.ts';
import { odeintOptions, requireKnownOptions } from './option-names.ts';
import { requireSpan } from './output.ts';
import { saveRows } from './save-rows.ts';
import { recordedSolution, type Solution } from './solution.ts';
import type {
  GradientMethod,
  OdeSolveAttrs,
  ReversibleGradientMethod,
  SolveStats,
} from './solve-attrs.ts';
import { type Oversight, oversightOf } from './step-report.ts';
import { type StopTimes, stopTimesOf } from './stops.ts';
import { positionsOf } from './pairs.ts';
import type {
  AdaptiveSolver,
  FixedStepSolver,
  ReversibleAdaptiveSolver,
  ReversibleFixedStepSolver,
} from './tableau.ts';
import { areNumbers, batchOf, rowTimesOf, type Times } from './batched/row-times.ts';
import { requireTimes } from './times.ts';

/**
 * The right-hand side f(t, y, args): `t` a scalar tensor, `y` a tree of tensors of the state's structure and shapes.
 * In a batched solve `t` is a tensor [B], the time of each row.
 * Returns dy/dt of the same structure, shapes and dtypes.
 */
export type Field<Y, Args = undefined> = (t: Tensor, y: Y, args: Args) => Y;

interface CommonOptions<Args> extends Oversight, StopTimes {
  /** Handed to the field; a tree whose tensors are differentiated. What the field captures is differentiated too. */
  readonly args?: Args;
  /**
   * Every leaf of the state has a leading axis of B rows, and each row has its own steps, errors and, where `ts` is
   * [B, T], times. The field receives `t` as a tensor [B]; its rows must not depend on each other. Default false.
   */
  readonly batched?: boolean;
  /** How the solve is differentiated in reverse mode: `direct()` or `backsolve()` of @neuralode/adjoint. */
  readonly gradient?: GradientMethod;
  /** A MaxStepsError after so many attempted steps. Default 100,000. */
  readonly maxSteps?: number;
  /** Called on the host with the cost of each run of this solve, failed ones too, and of each run of its gradient. */
  readonly onSolve?: (stats: SolveStats) => void;
  /** Times at which a step must end. */
  readonly stepAt?: readonly number[];
  /** Times at which the field is not continuous: no step crosses them. */
  readonly jumpAt?: readonly number[];
}

/** With a method that has an error estimate. */
export interface AdaptiveOptions<Args> extends CommonOptions<Args> {
  /** Default `dopri5()`. */
  readonly solver?: AdaptiveSolver;
  /** Relative tolerance of a step's error. Default 1e-6. */
  readonly rtol?: number;
  /** Absolute tolerance of a step's error. Default 1e-8. */
  readonly atol?: number;
  /** Length of the first step, in units of time. Default: by Hairer's rule. */
  readonly firstStep?: number;
  /** A step that would have to be shorter fails the solve. */
  readonly minStep?: number;
  /** No step is longer than this, in units of time. */
  readonly maxStep?: number;
  /** Such as `pi42()`. Default: the elementary controller for the method's order. */
  readonly controller?: StepController | ControllerGains;
  /** By which a step's error is measured: `maxNorm()`, `perLeafNorm()`. Default `rmsNorm()`. */
  readonly norm?: ErrorNorm;
  /** Only for a fixed-step solver. */
  readonly stepSize?: undefined;
}

/** With a method that takes the step it is told. */
export interface FixedStepOptions<Args> extends CommonOptions<Args> {
  readonly solver: FixedStepSolver;
  /** Length of a step, in units of time. The last one before t_end is shortened. */
  readonly stepSize: number;
  /** Only for an adaptive solver, as are the next ones. */
  readonly rtol?: undefined;
  readonly atol?: undefined;
  readonly firstStep?: undefined;
  readonly minStep?: undefined;
  readonly maxStep?: undefined;
  readonly controller?: undefined;
  readonly norm?: undefined;
}

/** With a gradient that needs steps which can be undone. */
type ReversibleOptions<Args> =
  | (Omit<AdaptiveOptions<Args>, 'solver' | 'gradient'> & {
      readonly solver: ReversibleAdaptiveSolver;
      readonly gradient: ReversibleGradientMethod;
    })
  | (Omit<FixedStepOptions<Args>, 'solver' | 'gradient'> & {
      readonly solver: ReversibleFixedStepSolver;
      readonly gradient: ReversibleGradientMethod;
    });

export type OdeintOptions<Args> =
  | AdaptiveOptions<Args>
  | FixedStepOptions<Args>
  | ReversibleOptions<Args>;

function requireState(y0: unknown): readonly Tensor[] {
  const leaves = leavesWithPaths(y0);
  if (leaves.length === 0) {
    throw new ArgumentError({
      what: 'odeint: y0 holds no tensor',
      got: typeof y0,
      remedy: 'Make one with tensor(…)',
    });
  }
  for (const { path, tensor } of leaves) {
    if (isFloat(tensor.dtype)) continue;
    throw new DTypeError({
      what: `odeint: the state must be floating-point${path && ` (y0.${path})`}`,
      got: tensor.dtype,
      remedy: "Convert with .cast('float32')",
    });
  }
  const [first] = leaves;
  const other = leaves.find(({ tensor }) => tensor.dtype !== first.tensor.dtype);
  if (other !== undefined) {
    throw new DTypeError({
      what: 'odeint: the leaves of the state differ in dtype',
      got: `${first.tensor.dtype} at y0.${first.path} and ${other.tensor.dtype} at y0.${other.path}`,
      remedy: 'Convert one with .cast(…)',
    });
  }
  return leaves.map(({ tensor }) => tensor);
}

function requireFieldValue(y0: unknown, value: unknown): void {
  if (value instanceof Promise) {
    // What an async field fails with later would be nobody's to catch.
    value.catch(() => {});
    throw new FieldError({
      what: 'odeint: the field returned a promise',
      remedy: 'Make it a plain function: it is recorded once, so there is nothing to await',
    });
  }
  requireStateStructure(y0, value);
  const values = leavesWithPaths(value);
  leavesWithPaths(y0).forEach(({ path, tensor }, i) => {
    const got = values[i].tensor;
    if (sameShape(got.shape, tensor.shape) && got.dtype === tensor.dtype) return;
    throw new FieldError({
      what: `odeint: the field's value does not fit the state${path && ` at ${path}`}`,
      got: `${got.dtype}${showShape(got.shape)}`,
      expected: `${tensor.dtype}${showShape(tensor.shape)}`,
      remedy: 'The field must return dy/dt, shaped like y',
    });
  });
}

function requireStateStructure(y0: unknown, value: unknown): void {
  try {
    requireSameStructure(y0, value, 'the two');
  } catch (error) {
    const { got, expected } = (error as ArgumentError).complaint;
    const plain = typeof value === 'number' ? `the number ${value}` : got;
    throw new FieldError({
      what: "odeint: the field's value is not a tree of tensors like the state",
      ...(plain !== undefined && { got: plain }),
      ...(expected !== undefined && { expected }),
      remedy: 'The field must return dy/dt, with a tensor wherever y has one',
    });
  }
}

/** The field's graph; its captures follow `args` among the inputs. */
function recordField<Y, Args>(
  field: Field<Y, Args>,
  y0: Y,
  args: Args,
  timeShape: readonly number[],
): { body: Graph; constants: Tensor[] } {
  const state = flatten(y0);
  const given = flatten(args);
  const { tensors } = state;
  const { dtype } = tensors[0];
  const time = { shape: timeShape, dtype };
  const recording = record([time, ...tensors, ...given.tensors], (t, ...stand) => {
    const y = state.rebuild(stand.slice(0, tensors.length));
    const value = field(t, y, given.rebuild(stand.slice(tensors.length)));
    requireFieldValue(y0, value);
    return value;
  });
  return { body: recording.graph, constants: [...given.tensors, ...recording.captures] };
}

interface NodeTimes {
  readonly attrs: Pick<OdeSolveAttrs, 'times' | 'rowTimes' | 'batch'>;
  /** The times, where the node reads them. */
  readonly inputs: readonly Tensor[];
}

function timesOf(ts: Times): NodeTimes {
  if (ts instanceof Tensor) {
    if (ts.rank === 1 && ts.size >= 2 && isFloat(ts.dtype)) return { attrs: {}, inputs: [ts] };
    throw new ArgumentError({
      what: 'odeint: times must be a list of two or more floating-point numbers',
      got: String(ts),
    });
  }
  const times = [...ts];
  if (!areNumbers(times)) {
    throw new ArgumentError({
      what: 'odeint: each row has times of its own only in a batched solve',
      remedy: 'Pass { batched: true }, or one list of times',
    });
  }
  requireTimes(times);
  return { attrs: { times }, inputs: [] };
}

function batchedTimesOf(ts: Times, state: readonly Tensor[]): NodeTimes {
  const batch = batchOf(state);
  const { attrs, inputs } = rowTimesOf(ts, batch);
  return { attrs: { ...attrs, batch }, inputs };
}

/** With all that depends on the structure of the state. */
export type Options<Y, Args, Saved> = OutputOptions<Y, Saved> & {
  /**
   * One or several: conditions whose crossing of zero is found, and may end the solve or change the state. Not inside a
   * recorded function.
   */
  readonly events?: TensorEvent<Y, Args> | readonly TensorEvent<Y, Args>[];
} & (
    | FixedStepOptions<Args>
    | ReversibleOptions<Args>
    | (Omit<AdaptiveOptions<Args>, 'norm'> & {
        /** By which a step's error is measured: such as `maxNorm()`, or a function of the tree of scaled errors. */
        readonly norm?: ErrorNorm | ((errors: Y) => Tensor);
      })
  );

/** A norm given as a function of the tree of errors. */
function normOf<Y>(y0: Y, { norm }: { norm?: unknown }): { norm?: ErrorNorm } {
  if (typeof norm !== 'function') return {};
  const { tensors, rebuild } = flatten(y0);
  return { norm: customNorm(norm as (errors: Y) => Tensor, tensors, rebuild) };
}

/** The node that a user's call amounts to. */
export function solveAttrs<Y, Args>(
  field: Field<Y, Args>,
  y0: Y,
  ts: Times,
  options: Options<Y, Args, unknown>,
  extra: Partial<OdeSolveAttrs>,
): PreparedSolve {
  const solver = options.solver ?? dopri5();
  requireKnownOptions(options, odeintOptions, 'odeint');
  const state = requireState(y0);
  const method = methodOf(solver);
  const control = controlOf(solver, { ...options, ...normOf(y0, options) });
  requireHeld(control, state[0].dtype);
  const stops = stopTimesOf(options, 'odeint');
  if (options.batched === true) requireBatchedOptions(options);
  const times = options.batched === true ? batchedTimesOf(ts, state) : timesOf(ts);
  if (stops !== undefined && ts instanceof Tensor) {
    throw new ArgumentError({
      what: 'odeint: stepAt and jumpAt need the times as numbers, since they do not move with a tensor of times',
    });
  }
  const { batch } = times.attrs;
  const timeShape = batch === undefined ? [] : [batch];
  const { body, constants } = recordField(field, y0, options.args as Args, timeShape);
  const attrs: OdeSolveAttrs = {
    body,
    leaves: state.length,
    ...times.attrs,
    jumps: state.map(() => undefined),
    steered: state.map(() => true),
    method,
    ...(method.pairs && { positions: positionsOf(y0, method.name) }),
    control,
    pass: 'forward',
    ...(options.gradient !== undefined && { gradient: options.gradient }),
    ...(stops !== undefined && { stops }),
    ...oversightOf(options, 'odeint'),
    ...extra,
  };
  return { attrs, inputs: [...times.inputs, ...state, ...constants] };
}

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
