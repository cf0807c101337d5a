/**
 * Events of an eager solve of tensors: the conditions are recorded once, with the interpolant of a step before them, and
 * looked at on the device; which fires first is decided on the host (`search.ts`).
 */
import { clean } from '@neuralode/autodiff';
import {
  bufferOf,
  type DeviceBuffer,
  type DType,
  disposeTree,
  type Flat,
  flatten,
  full,
  type Graph,
  hold,
  inline,
  type Run,
  record,
  requireSameStructure,
  sameShape,
  showShape,
  type Slot,
  type Spec,
  stack,
  type Tensor,
} from '@neuralode/tensor';
import { FieldError } from '../errors.ts';
import { readNumbers, runWithNumbers } from '../host-numbers.ts';
import type { AcceptedStep, Cut } from '../solve-witness.ts';
import { lazily } from '../step-graphs.ts';
import { type EventOf, type Happening, ruleOf } from './event-options.ts';
import { type EventRule, type Firing, type Firings, places, searchStep } from './search.ts';

/** An event of a solve of tensors; `args` are those of the field. */
export type TensorEvent<Y, Args> = EventOf<
  (t: Tensor, y: Y, args: Args) => Tensor,
  (t: Tensor, y: Y, args: Args) => Y
>;

/** A graph with what it captured behind its inputs. */
interface Closed {
  readonly graph: Graph;
  readonly captures: readonly Tensor[];
}

function closed(specs: readonly Spec[], fn: (...stand: Tensor[]) => Tensor[]): Closed {
  const { graph, captures } = record(specs, fn);
  return { graph: clean(graph), captures };
}

interface Inside {
  /** Inputs: t, h, y, stages. Output: all conditions at all `places`. */
  readonly looks: Closed;
  /** Inputs: θ, t, h, y, stages. Output: all conditions. */
  readonly look: Closed;
}

function conditionsInside(
  dense: Graph,
  conditionsAt: (t: Tensor, y: readonly Tensor[]) => Tensor,
): Inside {
  const [theta, h, ...stepSpecs] = dense.inputs;
  const dtype = theta.dtype as DType;
  const scalar: Spec = { shape: [], dtype };
  const inside = (place: Tensor, t: Tensor, length: Tensor, step: readonly Tensor[]): Tensor =>
    conditionsAt(t.add(length.mul(place)), inline(dense, [place, length, ...step]));
  return {
    looks: closed([scalar, h, ...stepSpecs], (t, length, ...step) => [
      stack(places.map((place) => inside(full([], place, { dtype }), t, length, step))),
    ]),
    look: closed([theta, scalar, h, ...stepSpecs], (at, t, length, ...step) => [
      inside(at, t, length, step),
    ]),
  };
}

export class EventWatch<Y, Args> {
  readonly #rules: readonly EventRule[];
  readonly #state: Flat<Y>;
  readonly #dtype: DType;
  /** Inputs: t, y. Output: all conditions. */
  readonly #conditions: Closed;
  /** The conditions inside a step, by its interpolant. */
  readonly #inside: (dense: Graph) => Inside;
  /** Inputs: t, y. Outputs: y. */
  readonly #changes: readonly (Closed | undefined)[];
  #start: readonly number[] = [];
  #happenings: Happening<Y>[] = [];

  constructor(events: readonly TensorEvent<Y, Args>[], state: Flat<Y>, args: Args) {
    const specs = state.tensors.map(({ shape, dtype }) => ({ shape, dtype }));
    this.#rules = events.map(ruleOf);
    this.#state = state;
    this.#dtype = specs[0].dtype;
    const scalar = { shape: [], dtype: this.#dtype };
    const conditionsAt = (t: Tensor, y: readonly Tensor[]): Tensor =>
      stack(events.map(({ when }, i) => requireScalar(when(t, state.rebuild(y), args), i)));
    this.#conditions = closed([scalar, ...specs], (t, ...y) => [conditionsAt(t, y)]);
    this.#inside = lazily((dense: Graph) => conditionsInside(dense, conditionsAt));
    this.#changes = events.map(({ change }, i) =>
      change === undefined
        ? undefined
        : closed([scalar, ...specs], (t, ...y) =>
            requireState(change(t, state.rebuild(y), args), state, y, i),
          ),
    );
  }

  *#run(
    { graph, captures }: Closed,
    numbers: readonly number[],
    slots: readonly Slot[],
  ): Run<Slot[]> {
    const { backend } = slots[0] as DeviceBuffer;
    return yield* runWithNumbers(graph, numbers, [...slots, ...captures.map(bufferOf)], backend);
  }

  *#conditionsAt(t: number, y: readonly Slot[]): Run<number[]> {
    const [values] = yield* this.#run(this.#conditions, [t], y);
    return yield* readNumbers(values);
  }

  *begin(t: number, y: readonly Slot[]): Run<void> {
    this.#start = yield* this.#conditionsAt(t, y);
  }

  /** Looks for events in a step, and notes them. */
  *inspect(step: AcceptedStep): Run<Cut | undefined> {
    const { start, h, dense } = step;
    const slots = [...step.before, ...(yield* step.stages())];
    const { fired, cut } = yield* this.#search(step, slots);
    for (const { event, theta } of fired) {
      const y = (yield* this.#stateAt(dense, theta, h, slots)).map((slot, i) =>
        hold(slot as DeviceBuffer, this.#state.tensors[i]),
      );
      this.#happenings.push({ event, t: start + theta * h, y: this.#state.rebuild(y) });
    }
    if (cut === undefined) return undefined;
    const cutting = fired.filter(({ event, theta }) => theta >= cut && this.#ends(event));
    return {
      end: start + cut * h,
      state: yield* this.#stateAt(dense, cut, h, slots),
      terminal: cutting.some(({ event }) => this.#rules[event].terminal),
      change: (t, y) => this.#change(t, y, cutting),
    };
  }

  *#search({ start, h, dense }: AcceptedStep, slots: readonly Slot[]): Run<Firings> {
    const { looks: everywhere, look } = this.#inside(dense);
    const count = this.#rules.length;
    const [table] = yield* this.#run(everywhere, [start, h], slots);
    const values = yield* readNumbers(table);
    const looks = places.map((_, i) => values.slice(i * count, (i + 1) * count));
    const rounding = this.#dtype === 'float64' ? Number.EPSILON : 2 ** -23;
    const epsilon = Math.max(1, Math.abs(start / h)) * rounding;
    const search = searchStep(this.#rules, this.#start, looks, epsilon);
    let found = search.next();
    while (!found.done) {
      const [at] = yield* this.#run(look, [found.value, start, h], slots);
      found = search.next(yield* readNumbers(at));
    }
    this.#start = looks.at(-1) as number[];
    return found.value;
  }

  *#stateAt(dense: Graph, theta: number, h: number, slots: readonly Slot[]): Run<Slot[]> {
    const { backend } = slots[0] as DeviceBuffer;
    return yield* runWithNumbers(dense, [theta, h], slots, backend);
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
      const before = state;
      try {
        state = yield* this.#run(change, [t], before);
      } finally {
        for (const slot of before) slot.release();
      }
    }
    const fresh = yield* this.#conditionsOr(t, state);
    const just = new Set(cutting.map(({ event }) => event));
    this.#start = fresh.map((value, event) => (just.has(event) ? Number.NaN : value));
    return state;
  }

  /** The conditions; releases the state where they cannot be had. */
  *#conditionsOr(t: number, y: readonly Slot[]): Run<number[]> {
    try {
      return yield* this.#conditionsAt(t, y);
    } catch (error) {
      for (const slot of y) slot.release();
      throw error;
    }
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

function requireScalar(value: unknown, event: number): Tensor {
  const { shape } = value as Partial<Tensor>;
  if (shape?.length === 0) return value as Tensor;
  throw new FieldError({
    what: `odeint: the condition of event ${event} is not a scalar tensor`,
    got: shape === undefined ? String(value) : showShape(shape),
    remedy: 'Reduce it, for instance with .sum() or .at(i)',
  });
}

function requireState<Y>(value: Y, state: Flat<Y>, y: readonly Tensor[], event: number): Tensor[] {
  requireSameStructure(
    state.rebuild(y),
    value,
    `odeint: the change of event ${event} and the state`,
  );
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
