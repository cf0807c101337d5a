/**
 * Events of an eager solve of tensors: what happened is noted, and may end the solve or change the state.
 */
import {
  type ArgumentError,
  type DeviceBuffer,
  disposeTree,
  type Flat,
  flatten,
  hold,
  type Run,
  releaseAll,
  requireSameStructure,
  retainBuffers,
  sameShape,
  showShape,
  type Slot,
  type Spec,
  type Tensor,
} from '@neuralode/tensor';
import { FieldError } from '../errors.ts';
import { runWithNumbers } from '../host-numbers.ts';
import { treeShown } from '../record-field.ts';
import type { AcceptedStep, Cut } from '../solve-witness.ts';
import { type Happening, ruleOf } from './event-options.ts';
import {
  type Closed,
  closed,
  EventSearch,
  recordConditions,
  stateInside,
  type TensorEvent,
} from './event-search.ts';
import type { EventRule, Firing } from './search.ts';

export class EventWatch<Y, Args> {
  readonly #rules: readonly EventRule[];
  readonly #state: Flat<Y>;
  readonly #search: EventSearch;
  /** Inputs: t, y. Outputs: y. */
  readonly #changes: readonly (Closed | undefined)[];
  #happenings: Happening<Y>[] = [];

  constructor(events: readonly TensorEvent<Y, Args>[], state: Flat<Y>, args: Args) {
    const specs: Spec[] = state.tensors.map(({ shape, dtype }) => ({ shape, dtype }));
    this.#rules = events.map(ruleOf);
    this.#state = state;
    const { graph, captures } = recordConditions(events, state, args, 'odeint');
    const retained = (): DeviceBuffer[] => retainBuffers(captures);
    this.#search = new EventSearch(graph, this.#rules, specs.length, retained);
    const scalar: Spec = { shape: [], dtype: specs[0].dtype };
    this.#changes = events.map(({ change }, i) =>
      change === undefined
        ? undefined
        : closed([scalar, ...specs], (t, ...y) =>
            requireState(change(t, state.rebuild(y), args), state, y, i),
          ),
    );
  }

  *begin(t: number, y: readonly Slot[]): Run<void> {
    yield* this.#search.begin(t, y);
  }

  /** Looks for events in a step, and notes them. */
  *inspect(step: AcceptedStep): Run<Cut | undefined> {
    const { start, h } = step;
    const slots = [...step.before, ...(yield* step.stages())];
    const { fired, cut } = yield* this.#search.inside(step, slots);
    for (const { event, theta } of fired) {
      const y = (yield* stateInside(step, theta, slots)).map((slot, i) =>
        hold(slot as DeviceBuffer, this.#state.tensors[i]),
      );
      this.#happenings.push({ event, t: start + theta * h, y: this.#state.rebuild(y) });
    }
    if (cut === undefined) return undefined;
    const cutting = fired.filter(({ event, theta }) => theta >= cut && this.#ends(event));
    return {
      end: start + cut * h,
      state: yield* stateInside(step, cut, slots),
      terminal: cutting.some(({ event }) => this.#rules[event].terminal),
      change: (t, y) => this.#change(t, y, cutting),
    };
  }

  #ends(event: number): boolean {
    return this.#rules[event].terminal || this.#rules[event].changes;
  }

  /** The state after the events that ended a step; takes over `y`. */
  *#change(t: number, y: Slot[], cutting: readonly Firing[]): Run<Slot[]> {
    let state = y;
    for (const { event } of cutting) {
      const change = this.#changes[event];
      if (change === undefined) continue;
      const operands = [...state];
      try {
        operands.push(...retainBuffers(change.captures));
        const { backend } = operands[0] as DeviceBuffer;
        state = yield* runWithNumbers(change.graph, [t], operands, backend);
      } finally {
        releaseAll(operands);
      }
    }
    try {
      yield* this.#search.begin(t, state, new Set(cutting.map(({ event }) => event)));
    } catch (error) {
      releaseAll(state);
      throw error;
    }
    return state;
  }

  /** What happened, for the caller to keep. */
  take(): Happening<Y>[] {
    const happenings = this.#happenings;
    this.#happenings = [];
    return happenings;
  }

  release(): void {
    disposeTree(this.take().map(({ y }) => y));
  }
}

function requireTree<Y>(state: Y, value: unknown, event: number): void {
  try {
    requireSameStructure(state, value, 'the two');
  } catch (error) {
    const { got } = (error as ArgumentError).complaint;
    throw new FieldError({
      what: `odeint: the change of event ${event} is not a tree of tensors like the state`,
      ...treeShown(value, got),
      remedy: 'Return the state from there on, with a tensor wherever y has one',
    });
  }
}

function requireState<Y>(value: Y, state: Flat<Y>, y: readonly Tensor[], event: number): Tensor[] {
  requireTree(state.rebuild(y), value, event);
  const leaves = [...flatten(value).tensors];
  leaves.forEach((leaf, i) => {
    if (sameShape(leaf.shape, y[i].shape) && leaf.dtype === y[i].dtype) return;
    throw new FieldError({
      what: `odeint: the change of event ${event} does not fit the state`,
      got: `${leaf.dtype}${showShape(leaf.shape)}`,
      expected: `${y[i].dtype}${showShape(y[i].shape)}`,
    });
  });
  return leaves;
}
