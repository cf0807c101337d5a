/**
 * `solveIvp`: integrates dy/dt = f(t, y) on plain numbers and arrays, in float64, without tensors or a backend.
 *
 * The methods and the step-size control are those of `odeint`; only the arithmetic is another (tight loops over
 * Float64Arrays). There are no gradients here: for those, state the field in tensors and use `odeint`.
 */
import { ArgumentError } from '@neuralode/tensor';
import { requireCall, shown } from '../call.ts';
import { controlOf, requireHeld } from '../control-options.ts';
import type { SolveError } from '../errors.ts';
import { type EventOf, eventsOf, type Happening } from '../events/event-options.ts';
import type { VectorEvent } from '../events/plain-events.ts';
import { dopri5 } from '../methods/dopri5.ts';
import type { AdaptiveOptions, FixedStepOptions } from '../odeint-options.ts';
import { type ErrorNorm, rmsNorm } from '../norms.ts';
import { requireKinds, requireKnownOptions, solveIvpOptions } from '../option-names.ts';
import { type EveryStep, requireSpan } from '../output.ts';
import type { SolveStats } from '../solve-attrs.ts';
import { oversightOf } from '../step-report.ts';
import { stopTimesOf } from '../stops.ts';
import { requireTimesAsked } from '../step-index.ts';
import { requireTimes } from '../times.ts';
import { PlainLoop, type PlainResult, who } from './plain-run.ts';
import { explicitTableau, refuseValue, type VectorField } from './plain-steps.ts';

/** A state: one number, or a list of them. */
export type PlainState = number | readonly number[] | Float64Array;

/** What a state is kept as: like y0. */
export type KeptState<S extends PlainState> = S extends number
  ? number
  : S extends Float64Array
    ? Float64Array
    : number[];

/**
 * The right-hand side f(t, y). A list comes as a Float64Array that is the field's only until it returns. For speed, a
 * field may write dy/dt into `dy` and return nothing.
 */
export type PlainField<S extends PlainState> = S extends number
  ? (t: number, y: number) => number
  : // biome-ignore lint/suspicious/noConfusingVoidType: a function without a return statement has this type
    (t: number, y: Float64Array, dy: Float64Array) => ArrayLike<number> | void;

/** An event of a solve on plain numbers. */
export type PlainEvent<S extends PlainState> = EventOf<
  (t: number, y: S extends number ? number : Float64Array) => number,
  (
    t: number,
    y: S extends number ? number : Float64Array,
  ) => S extends number ? number : ArrayLike<number>
>;

interface PlainOutput<S extends PlainState> {
  /** One or several: conditions whose crossing of zero is found, and may end the solve or change the state. */
  readonly events?: PlainEvent<S> | readonly PlainEvent<S>[];
  /** `everyStep()` or `everyStep(n)`: the steps decide what is kept, and `ts` are the start and the end. */
  readonly output?: EveryStep;
  /** Keep every step, so that the solution can be evaluated anywhere by `at`. Default false. */
  readonly dense?: boolean;
  /** Default true. With false a solve that fails on the way returns what it has, and `failure`. */
  readonly throwOnFailure?: boolean;
}

type NotHere = 'args' | 'batched' | 'gradient';

interface PlainNorm {
  /** By which a step's error is measured: such as `maxNorm()`, or a function of the scaled errors. */
  readonly norm?: ErrorNorm | ((errors: Float64Array) => number);
}

export type SolveIvpOptions<S extends PlainState = number[]> = PlainOutput<S> &
  (
    | (Omit<AdaptiveOptions<undefined>, NotHere | 'norm'> & PlainNorm)
    | Omit<FixedStepOptions<undefined>, NotHere>
  );

/** A norm given as a function of the errors. */
function normOf({ norm }: { norm?: unknown }): { norm?: ErrorNorm } {
  if (typeof norm !== 'function') return {};
  const ofNumbers = (errors: Float64Array): number => {
    const size: unknown = norm(errors);
    if (typeof size === 'number' && !(size < 0)) return size;
    throw new ArgumentError({
      what: `${who}: norm must make a number of the errors, and none below zero`,
      got: shown(size),
      remedy: 'Return such as Math.max(...errors.map(Math.abs)), or pass maxNorm()',
    });
  };
  return { norm: { ...rmsNorm(), ofNumbers } };
}

/** A solution on plain numbers. */
export interface PlainSolution<S extends PlainState> {
  readonly ts: readonly number[];
  /** The state at each of `ts`. */
  readonly ys: readonly KeptState<S>[];
  readonly stats: SolveStats;
  /** The events that happened, in order. */
  readonly events: readonly Happening<KeptState<S>>[];
  /** Why the solve failed; only with `throwOnFailure: false`. */
  readonly failure?: SolveError;
  /** The state at any time between start and end, by dense output; only with `dense: true`. */
  at(t: number): KeptState<S>;
  at(ts: readonly number[]): KeptState<S>[];
}

function vectorOf(y0: PlainState): Float64Array {
  const values = typeof y0 === 'number' ? [y0] : y0;
  const list = Array.isArray(values) || values instanceof Float64Array;
  if (list && values.length > 0 && values.every((value) => typeof value === 'number')) {
    return Float64Array.from(values);
  }
  throw new ArgumentError({
    what: `${who}: y0 must be a number or a list of numbers`,
    got: shown(y0),
    remedy: 'Pass an array or a Float64Array; a tree of tensors is for odeint',
  });
}

/** The field on vectors, whatever the state is to the user. */
function fieldOf(field: (...args: never[]) => unknown, scalar: boolean): VectorField {
  if (!scalar) return field as VectorField;
  const onNumbers = field as unknown as (t: number, y: number) => number;
  return (t, y, dy) => {
    const value = onNumbers(t, y[0]);
    if (typeof value !== 'number') {
      refuseValue(value, 'a number', who, 'Return dy/dt, for y0 is a number too');
    }
    dy[0] = value;
    return undefined;
  };
}

/** An event on vectors, whatever the state is to the user. */
function vectorEvent<S extends PlainState>(event: PlainEvent<S>, scalar: boolean): VectorEvent {
  const onVectors = event as unknown as VectorEvent;
  if (!scalar) return onVectors;
  const { when, change, ...rest } = event as unknown as PlainEvent<number>;
  return {
    ...rest,
    when: (t, y) => when(t, y[0]),
    ...(change !== undefined && {
      change: (t: number, y: Float64Array) => {
        const value: unknown = change(t, y[0]);
        // What is no number is refused as it is.
        return (typeof value === 'number' ? [value] : value) as number[];
      },
    }),
  };
}

function solutionOf<S extends PlainState>(result: PlainResult, y0: S): PlainSolution<S> {
  const keep = (row: Float64Array): KeptState<S> => {
    if (typeof y0 === 'number') return row[0] as KeptState<S>;
    return (Array.isArray(y0) ? Array.from(row) : row) as KeptState<S>;
  };
  const at = (t: number): KeptState<S> => {
    if (result.dense !== undefined) return keep(result.dense.at(t, `${who}, at`));
    throw new ArgumentError({
      what: `${who}: at(t) needs the steps, which this solve did not keep`,
      remedy: 'Pass { dense: true }',
    });
  };
  return {
    ts: result.ts,
    ys: result.rows.map(keep),
    stats: result.stats,
    events: result.happenings.map((each) => ({ ...each, y: keep(each.y) })),
    ...(result.failure !== undefined && { failure: result.failure }),
    at: ((ts: unknown) => {
      const asked = requireTimesAsked(ts, `${who}, at`);
      return typeof asked === 'number' ? at(asked) : asked.map(at);
    }) as PlainSolution<S>['at'],
  };
}

/**
 * Integrates dy/dt = field(t, y) from y0 at ts[0] through all of `ts`, in float64.
 *
 *     const { ys } = solveIvp((t, [x, v]) => [v, -x], [1, 0], [0, Math.PI]);
 *
 * @param field see `PlainField`
 * @param y0 the state at ts[0]: a number, an array or a Float64Array; what comes back is of the same kind
 * @param ts two or more times, increasing or decreasing
 * @throws as `odeint` does
 */
export function solveIvp<const S extends PlainState>(
  field: PlainField<S>,
  y0: S,
  ts: readonly number[],
  options: SolveIvpOptions<S> = {},
): PlainSolution<S> {
  requireCall({ field, ts, options }, who);
  const solver = options.solver ?? dopri5();
  requireKnownOptions(options, solveIvpOptions, who);
  requireKinds(options, who);
  const control = controlOf(solver, { ...options, ...normOf(options) }, who);
  requireHeld(control, 'float64', who);
  const stops = stopTimesOf(options, who);
  const times = Array.from(ts);
  requireTimes(times, { who });
  requireSpan(times, options.output, who);
  const result = new PlainLoop({
    field: fieldOf(field, typeof y0 === 'number'),
    y0: vectorOf(y0),
    times,
    tableau: explicitTableau(solver, who),
    control,
    dense: options.dense ?? false,
    oversight: oversightOf(options, who),
    events: eventsOf(options.events, who).map((event) =>
      vectorEvent(event, typeof y0 === 'number'),
    ),
    throws: options.throwOnFailure ?? true,
    ...(stops !== undefined && { stops }),
    ...(options.onSolve !== undefined && { onSolve: options.onSolve }),
    ...(options.output !== undefined && { output: options.output }),
  }).run();
  return solutionOf(result, y0);
}
