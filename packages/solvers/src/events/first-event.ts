/**
 * `firstEvent`: when the first of some conditions crosses zero along a solve, and which, as one node of the graph. It has
 * no derivatives of its own; `odeint-event.ts` gives it those of the root that it is.
 */
import {
  type DeviceBuffer,
  type DType,
  type Graph,
  type Primitive,
  type Run,
  releaseAll,
  type Slot,
  type Spec,
} from '@neuralode/tensor';
import { EndedByEvent } from '../errors.ts';
import { upload } from '../host-numbers.ts';
import { runOdeSolve } from '../run.ts';
import type { OdeSolveAttrs } from '../solve-attrs.ts';
import type { AcceptedStep, Witness } from '../solve-witness.ts';
import { plainGraphs } from '../step-graphs.ts';
import { EventSearch } from './event-search.ts';
import type { EventRule } from './search.ts';

/**
 * Inputs: those of the solve, whose times [2] are the first, then what the conditions captured. Outputs: the time of the
 * event, or the last time where there is none, and which event it is, or −1.
 */
export interface FirstEventAttrs {
  readonly solve: OdeSolveAttrs;
  /** See `recordConditions`. */
  readonly conditions: Graph;
  readonly rules: readonly EventRule[];
}

/** Ends the solve at the first event. */
class FirstEventWitness implements Witness {
  readonly #search: EventSearch;
  found: { readonly t: number; readonly event: number } | undefined;

  constructor(search: EventSearch) {
    this.#search = search;
  }

  *begin([from]: readonly number[], y: readonly Slot[]): Run<void> {
    yield* this.#search.begin(from, y);
  }

  *inspect(step: AcceptedStep): Run<undefined> {
    const slots = [...step.before, ...(yield* step.stages())];
    const { fired } = yield* this.#search.inside(step, slots);
    if (fired.length === 0) return undefined;
    const [{ event, theta }] = fired;
    this.found = { t: step.start + theta * step.h, event };
    throw new EndedByEvent();
  }

  accepted = function* (): Run<void> {};
  beginRows(): void {}
  end(): void {}
  failed(): void {}
}

export const firstEvent: Primitive<FirstEventAttrs> = {
  name: 'firstEvent',
  infer: ([times]): Spec[] => [
    { shape: [], dtype: times.dtype },
    { shape: [], dtype: 'int32' },
  ],
  *run(inputs, { solve, conditions, rules }, backend): Run<Slot[]> {
    const captured = conditions.inputs.length - 1 - solve.leaves;
    const count = inputs.length - captured;
    const constants = inputs.slice(count);
    const retained = (): Slot[] => constants.map((slot) => slot.retain());
    const search = new EventSearch(conditions, rules, solve.leaves, retained);
    const witness = new FirstEventWitness(search);
    const watched = { ...solve, witness };
    try {
      releaseAll(yield* runOdeSolve(inputs.slice(0, count), watched, backend, plainGraphs(solve)));
    } catch (error) {
      if (!(error instanceof EndedByEvent)) throw error;
    }
    const times = yield inputs[0] as DeviceBuffer;
    const { t, event } = witness.found ?? { t: times[1], event: -1 };
    const { dtype } = solve.body.inputs[0];
    return [upload(t, backend, dtype as DType), upload(event, backend, 'int32')];
  },
};
