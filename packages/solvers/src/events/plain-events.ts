/**
 * Events of a solve on plain numbers.
 */
import { isList, shown } from '../call.ts';
import { conditionError, FieldError } from '../errors.ts';
import type { PlainSteps } from '../plain/plain-steps.ts';
import { type EventOf, type Happening, ruleOf } from './event-options.ts';
import { type EventRule, type Firing, places, searchStep } from './search.ts';

/** On vectors, whatever the state is to the user. */
export type VectorEvent = EventOf<
  (t: number, y: Float64Array) => number,
  (t: number, y: Float64Array) => ArrayLike<number>
>;

/** A step that ends at an event. */
export interface PlainCut {
  readonly theta: number;
  readonly terminal: boolean;
}

export class PlainEvents {
  readonly #events: readonly VectorEvent[];
  readonly #rules: readonly EventRule[];
  readonly #steps: PlainSteps;
  readonly #who: string;
  /** The conditions where the next step begins; NaN where one has just fired. */
  #start: readonly number[] = [];
  #cutting: readonly Firing[] = [];
  readonly happenings: Happening<Float64Array>[] = [];

  constructor(events: readonly VectorEvent[], steps: PlainSteps, who: string) {
    this.#events = events;
    this.#rules = events.map(ruleOf);
    this.#steps = steps;
    this.#who = who;
  }

  #conditions(t: number, y: Float64Array): number[] {
    return this.#events.map(({ when }, i) => {
      const value = when(t, y.slice());
      if (typeof value !== 'number') {
        throw new FieldError({
          what: `${this.#who}: the condition of event ${i} is not a number`,
          got: shown(value),
          remedy: 'Return a number, whose sign is watched',
        });
      }
      if (Number.isNaN(value)) throw conditionError(i, t, this.#who);
      return value;
    });
  }

  begin(t: number): void {
    this.#start = this.#conditions(t, this.#steps.y);
  }

  /** Looks for events in the latest step, from `t` over `h`, and notes them. */
  inspect(t: number, h: number): PlainCut | undefined {
    const steps = this.#steps;
    steps.extend(t, h);
    const state = (theta: number): Float64Array => {
      const y = new Float64Array(steps.y.length);
      steps.interpolate(y, theta, h, steps.y, steps.k);
      return y;
    };
    const at = (theta: number): number[] => this.#conditions(t + theta * h, state(theta));
    const looks = places.map(at);
    const epsilon = Math.max(1, Math.abs(t / h)) * Number.EPSILON;
    const search = searchStep(this.#rules, this.#start, looks, epsilon);
    let found = search.next();
    while (!found.done) found = search.next(at(found.value));
    const { fired, cut } = found.value;
    for (const { event, theta } of fired) {
      this.happenings.push({ event, t: t + theta * h, y: state(theta) });
    }
    this.#start = looks.at(-1) as number[];
    if (cut === undefined) return undefined;
    this.#cutting = fired.filter(({ event, theta }) => theta >= cut && this.#ends(event));
    steps.next.set(state(cut));
    return { theta: cut, terminal: this.#cutting.some(({ event }) => this.#rules[event].terminal) };
  }

  /** One that forgets to return would else pass for one that changes nothing. */
  #requireState(value: unknown, event: number): ArrayLike<number> {
    const { length } = this.#steps.y;
    const fits = isList(value) && value.length === length;
    if (fits && Array.from(value).every((each) => typeof each === 'number')) {
      return value as ArrayLike<number>;
    }
    throw new FieldError({
      what: `${this.#who}: the change of event ${event} does not fit the state`,
      got: value === undefined ? 'nothing' : shown(value),
      expected: `${length} ${length === 1 ? 'number' : 'numbers'}`,
      remedy: 'Return the state from there on',
    });
  }

  #ends(event: number): boolean {
    return this.#rules[event].terminal || this.#rules[event].changes;
  }

  /** Changes the state, which stands at the cut, as the events say. */
  change(t: number): void {
    const { y } = this.#steps;
    for (const { event } of this.#cutting) {
      const { change } = this.#events[event];
      if (change === undefined) continue;
      y.set(this.#requireState(change(t, y.slice()), event));
    }
    const fresh = this.#conditions(t, y);
    const just = new Set(this.#cutting.map(({ event }) => event));
    this.#start = fresh.map((value, event) => (just.has(event) ? Number.NaN : value));
  }
}
