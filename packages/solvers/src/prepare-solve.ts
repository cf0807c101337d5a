/**
 * From a user's call to the node that it amounts to.
 */
import { ArgumentError, flatten, isFloat, Tensor } from '@neuralode/tensor';
import { requireBatchedOptions } from './batched/batched-options.ts';
import { areNumbers, batchOf, rowTimesOf, type Times } from './batched/row-times.ts';
import { controlOf, requireHeld } from './control-options.ts';
import type { PreparedSolve } from './eager-solve.ts';
import { dopri5 } from './methods/dopri5.ts';
import { customNorm, type ErrorNorm } from './norms.ts';
import type { Field, Options } from './odeint-options.ts';
import { odeintOptions, requireKinds, requireKnownOptions } from './option-names.ts';
import { positionsOf } from './pairs.ts';
import { recordField, requireState } from './record-field.ts';
import { methodOf } from './runge-kutta.ts';
import type { OdeSolveAttrs } from './solve-attrs.ts';
import { oversightOf } from './step-report.ts';
import { stopTimesOf } from './stops.ts';
import { requireTimes } from './times.ts';

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
  requireKinds(options, 'odeint');
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
