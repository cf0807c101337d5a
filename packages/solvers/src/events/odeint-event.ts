/**
 * `odeintEvent`: integrates up to the first event, whose time and state can be differentiated.
 *
 * With g the condition that crosses zero and y(t) the solution, the time t* is the root of g(t, y(t)) = 0, so that by the
 * implicit function theorem dt* = −(∂g/∂p dp + ∂g/∂y dy) / (∂g/∂t + ∂g/∂y f), for whatever y0, args and the condition
 * itself depend on (Chen, Amos, Nickel 2021, "Learning neural event functions", section 3.1).
 */
import {
  apply,
  ArgumentError,
  deviceFunction,
  flatten,
  inline,
  type Pending,
  stack,
  Tensor,
  tensor,
  where,
} from '@neuralode/tensor';
import { implicitRoot } from '../implicit/find-root.ts';
import { odeSolve } from '../ode-solve.ts';
import type { Field, Options } from '../odeint-options.ts';
import { solveAttrs } from '../prepare-solve.ts';
import { eventsOf, ruleOf } from './event-options.ts';
import { recordConditions, type TensorEvent } from './event-search.ts';
import { firstEvent } from './first-event.ts';

const who = 'odeintEvent';

/** Where a solve met its first event. */
export interface EventSolution<Y> {
  /** When: a scalar, of the dtype of `ts`. The last time where no event fired. */
  readonly t: Tensor;
  /** The state there, shaped like y0. */
  readonly y: Y;
  /** Which event, by its place in the list of events: an int32 scalar, −1 where none fired. */
  readonly event: Tensor;
}

type OneEvent<Y, Args> = Omit<TensorEvent<Y, Args>, 'terminal' | 'change'>;

/** The options of `odeint` that concern the solve itself, and the events. */
export type OdeintEventOptions<Y, Args> = Omit<
  Options<Y, Args, Y>,
  'events' | 'save' | 'output' | 'dense' | 'throwOnFailure' | 'batched' | 'stepAt' | 'jumpAt'
> & {
  /** One or several: the solve ends at the first crossing of zero of any of them. */
  readonly events: OneEvent<Y, Args> | readonly OneEvent<Y, Args>[];
};

function requireEvents<Y, Args>(given: unknown): readonly TensorEvent<Y, Args>[] {
  const events = eventsOf(given as TensorEvent<Y, Args>[], who);
  if (events.length === 0) {
    throw new ArgumentError({
      what: `${who}: there is no event to look for`,
      remedy: 'Pass { events: { when: (t, y) => … } }',
    });
  }
  for (const option of ['terminal', 'change'] as const) {
    const place = events.findIndex((event) => event[option] !== undefined);
    if (place < 0) continue;
    throw new ArgumentError({
      what: `${who}: event ${place}: the solve ends at its first event, so ${option} has no place here`,
      remedy:
        option === 'change'
          ? 'Change the state that is returned, and go on from it and its time with another call'
          : 'Leave it out',
    });
  }
  return events;
}

const misplaced = ['save', 'output', 'dense', 'throwOnFailure', 'batched', 'stepAt', 'jumpAt'];

function requireNoOutputs(options: object): void {
  const wrong = misplaced.find((name) => (options as Record<string, unknown>)[name] !== undefined);
  if (wrong === undefined) return;
  throw new ArgumentError({
    what: `${who}: ${wrong} has no place here: the result is the time of the event and the state there`,
    remedy: 'Use odeint, up to the time found',
  });
}

function timesOf(ts: readonly number[] | Tensor, dtype: Tensor['dtype']): Tensor {
  const count = ts instanceof Tensor ? ts.size : ts.length;
  if (count === 2) return ts instanceof Tensor ? ts : tensor([...ts], { dtype });
  throw new ArgumentError({
    what: `${who}: ts must be the start and the time up to which to look`,
    got: `${count} times`,
    expected: 'two',
  });
}

function eventWhileRecording<Y, Args = undefined>(
  field: Field<Y, Args>,
  y0: Y,
  ts: readonly number[] | Tensor,
  options: OdeintEventOptions<Y, Args>,
): EventSolution<Y> {
  const { events: given, ...rest } = options;
  requireNoOutputs(rest);
  const events = requireEvents<Y, Args>(given);
  const state = flatten(y0);
  const times = timesOf(ts, state.tensors[0]?.dtype ?? 'float32');
  const prepared = solveAttrs(field, y0, times, rest as Options<Y, Args, Y>, {});
  const { graph, captures } = recordConditions(events, state, options.args as Args, who);
  const { attrs, inputs } = prepared;
  const [reached, event] = apply(
    firstEvent,
    [...inputs, ...captures].map((each) => each.stopGradient()),
    { solve: attrs, conditions: graph, rules: events.map(ruleOf) },
  );
  const stateAt = (t: Tensor): Tensor[] =>
    apply(odeSolve, [stack([times.at(0), t]), ...inputs.slice(1)], attrs).map((rows) => rows.at(1));
  const fired = event.greaterEqual(0);
  const condition = (t: Tensor): Tensor => {
    const y = stateAt(t);
    const [values] = inline(graph, [t.cast(y[0].dtype), ...y, ...captures]);
    const chosen = values
      .gather(event.maximum(0).reshape([1]))
      .at(0)
      .cast(t.dtype);
    // Where nothing fired the time is the end, whatever else changes.
    return where(fired, chosen, t.sub(times.at(1)));
  };
  const t = implicitRoot(condition, reached);
  return { t, y: state.rebuild(stateAt(t)), event };
}

/**
 * Integrates dy/dt = field(t, y, args) from y0 at ts[0] until an event fires, or up to ts[1].
 *
 *     const { t, y } = await odeintEvent(fall, [height, speed], [0, 10], {
 *       events: { when: (_, [h]) => h, direction: -1 },
 *     });
 *
 * `t` and `y` can be differentiated by y0, args, ts and by whatever the field and the conditions capture; in reverse mode
 * by the `gradient` given. To go on across events, change `y` and call again with `ts: stack([t, end])`.
 *
 * @param field see `Field`
 * @param y0 the state at ts[0]: a tree of float tensors
 * @param ts the start, and the time up to which to look: two numbers, or a tensor [2]
 * @throws as `odeint` does; ArgumentError where there is no event, or one that is to do more than fire
 */
export const odeintEvent = deviceFunction(eventWhileRecording) as unknown as OdeintEvent;

export interface OdeintEvent {
  <Y, Args = undefined>(
    field: Field<Y, Args>,
    y0: Y,
    ts: readonly number[] | Tensor,
    options: OdeintEventOptions<Y, Args>,
  ): Pending<EventSolution<Y>>;
  sync<Y, Args = undefined>(
    field: Field<Y, Args>,
    y0: Y,
    ts: readonly number[] | Tensor,
    options: OdeintEventOptions<Y, Args>,
  ): EventSolution<Y>;
}
