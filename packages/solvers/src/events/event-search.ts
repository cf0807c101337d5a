/**
 * Events inside the steps of a solve of tensors: the conditions are recorded once, with the interpolant of a step before
 * them, and looked at on the device; which fires first is decided on the host (`search.ts`).
 */
import { clean } from '@neuralode/autodiff';
import {
  type DeviceBuffer,
  type DType,
  type Flat,
  full,
  type Graph,
  inline,
  isFloat,
  type Run,
  record,
  releaseAll,
  showShape,
  type Slot,
  type Spec,
  stack,
  Tensor,
} from '@neuralode/tensor';
import { shown } from '../call.ts';
import { conditionError, FieldError } from '../errors.ts';
import { readNumbers, runWithNumbers } from '../host-numbers.ts';
import type { AcceptedStep } from '../solve-witness.ts';
import { lazily } from '../step-graphs.ts';
import type { EventOf } from './event-options.ts';
import { type EventRule, type Firings, places, searchStep } from './search.ts';

/** An event of a solve of tensors; `args` are those of the field. */
export type TensorEvent<Y, Args> = EventOf<
  (t: Tensor, y: Y, args: Args) => Tensor,
  (t: Tensor, y: Y, args: Args) => Y
>;

/** A graph with what it captured behind its inputs. */
export interface Closed {
  readonly graph: Graph;
  readonly captures: readonly Tensor[];
}

export function closed(specs: readonly Spec[], fn: (...stand: Tensor[]) => Tensor[]): Closed {
  const { graph, captures } = record(specs, fn);
  return { graph: clean(graph), captures };
}

function requireScalar(value: unknown, event: number, who: string): Tensor {
  const what = `${who}: the condition of event ${event} is not a scalar tensor`;
  if (!(value instanceof Tensor)) {
    throw new FieldError({
      what,
      got: value === undefined ? 'nothing' : shown(value),
      remedy: 'Return a tensor, whose sign is watched',
    });
  }
  if (value.rank > 0) {
    const remedy = 'Reduce it, for instance with .sum() or .at(i)';
    throw new FieldError({ what, got: showShape(value.shape), remedy });
  }
  if (isFloat(value.dtype)) return value;
  throw new FieldError({
    what: `${who}: the condition of event ${event} is not a floating-point number`,
    got: value.dtype,
    remedy: 'Return what is compared, such as t.sub(1) for t.greater(1)',
  });
}

/** Inputs: t, y, captures. Output: the values of all conditions [n]. */
export function recordConditions<Y, Args>(
  events: readonly TensorEvent<Y, Args>[],
  state: Flat<Y>,
  args: Args,
  who: string,
): Closed {
  const specs = state.tensors.map(({ shape, dtype }) => ({ shape, dtype }));
  const scalar: Spec = { shape: [], dtype: specs[0].dtype };
  return closed([scalar, ...specs], (t, ...y) => [
    stack(events.map(({ when }, i) => requireScalar(when(t, state.rebuild(y), args), i, who))),
  ]);
}

interface Inside {
  /** Inputs: t, h, y, stages, constants. Output: all conditions at all `places`. */
  readonly looks: Graph;
  /** Inputs: θ, t, h, y, stages, constants. Output: all conditions. */
  readonly look: Graph;
}

function conditionsInside(dense: Graph, conditions: Graph, leaves: number): Inside {
  const [theta, h, ...step] = dense.inputs;
  const dtype = theta.dtype as DType;
  const scalar: Spec = { shape: [], dtype };
  const constants = conditions.inputs.slice(1 + leaves);
  const inside = (
    place: Tensor,
    t: Tensor,
    length: Tensor,
    operands: readonly Tensor[],
  ): readonly Tensor[] => {
    const y = inline(dense, [place, length, ...operands.slice(0, step.length)]);
    const rest = operands.slice(step.length);
    return inline(conditions, [t.add(length.mul(place)), ...y, ...rest]);
  };
  const looks = record([scalar, h, ...step, ...constants], (t, length, ...operands) => [
    stack(places.map((place) => inside(full([], place, { dtype }), t, length, operands)[0])),
  ]);
  const look = record([theta, scalar, h, ...step, ...constants], (at, t, length, ...operands) => [
    ...inside(at, t, length, operands),
  ]);
  return { looks: clean(looks.graph), look: clean(look.graph) };
}

/** The conditions at `t`, which must be numbers. */
function requireNumbers(values: readonly number[], t: number): readonly number[] {
  const bad = values.findIndex(Number.isNaN);
  if (bad >= 0) throw conditionError(bad, t, 'odeint');
  return values;
}

export class EventSearch {
  readonly #conditions: Graph;
  readonly #rules: readonly EventRule[];
  readonly #constants: () => readonly Slot[];
  readonly #dtype: DType;
  /** The conditions inside a step, by its interpolant. */
  readonly #inside: (dense: Graph) => Inside;
  #start: readonly number[] = [];

  /**
   * @param conditions see `recordConditions`
   * @param constants what the conditions captured, retained for whoever asks
   */
  constructor(
    conditions: Graph,
    rules: readonly EventRule[],
    leaves: number,
    constants: () => readonly Slot[],
  ) {
    this.#conditions = conditions;
    this.#rules = rules;
    this.#constants = constants;
    this.#dtype = conditions.inputs[0].dtype as DType;
    this.#inside = lazily((dense: Graph) => conditionsInside(dense, conditions, leaves));
  }

  /**
   * A stretch begins at `t`.
   * @param just the events that have just fired there, whose conditions are nothing but rounding
   */
  *begin(t: number, y: readonly Slot[], just: ReadonlySet<number> = new Set()): Run<void> {
    const values = requireNumbers(yield* this.#read(this.#conditions, [t], y), t);
    this.#start = values.map((value, event) => (just.has(event) ? Number.NaN : value));
  }

  /** What fires in a step, of which `slots` are the state before it and what its interpolant combines. */
  *inside({ start, h, dense }: AcceptedStep, slots: readonly Slot[]): Run<Firings> {
    const { looks: everywhere, look } = this.#inside(dense);
    const count = this.#rules.length;
    const values = yield* this.#read(everywhere, [start, h], slots);
    const looks = places.map((place, i) =>
      requireNumbers(values.slice(i * count, (i + 1) * count), start + place * h),
    );
    const rounding = this.#dtype === 'float64' ? Number.EPSILON : 2 ** -23;
    const epsilon = Math.max(1, Math.abs(start / h)) * rounding;
    const search = searchStep(this.#rules, this.#start, looks, epsilon);
    let found = search.next();
    while (!found.done) {
      const seen = yield* this.#read(look, [found.value, start, h], slots);
      found = search.next(requireNumbers(seen, start + found.value * h));
    }
    this.#start = looks.at(-1) as number[];
    return found.value;
  }

  *#read(graph: Graph, numbers: readonly number[], slots: readonly Slot[]): Run<number[]> {
    const { backend } = slots[0] as DeviceBuffer;
    const constants = this.#constants();
    try {
      const operands = [...slots, ...constants];
      const [values] = yield* runWithNumbers(graph, numbers, operands, backend);
      return yield* readNumbers(values);
    } finally {
      releaseAll(constants);
    }
  }
}

/** The state at the fraction θ of a step. The caller owns it. */
export function stateInside(
  { dense, h }: AcceptedStep,
  theta: number,
  slots: readonly Slot[],
): Run<Slot[]> {
  return runWithNumbers(dense, [theta, h], slots, (slots[0] as DeviceBuffer).backend);
}
