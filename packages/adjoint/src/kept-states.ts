/**
 * What a gradient method with a budget keeps of a solve: its course (what happened when: numbers of the host), and the
 * states at some of its steps. On the way back the states change; there are never more than the budget.
 */
import { Slot } from '@neuralode/tensor';
import { nextCheckpoint, OnlineSchedule } from './checkpoint-schedule.ts';

export abstract class KeptStates<Event, State> extends Slot {
  readonly #budget: number;
  readonly #schedule: OnlineSchedule;
  readonly events: Event[] = [];
  /** With which event each step begins. */
  readonly #steps: number[] = [];
  /** Where the solve stood before a step, by its number; the start of the solve is not kept. */
  readonly #kept = new Map<number, State>();

  constructor(budget: number) {
    super();
    this.#budget = budget;
    this.#schedule = new OnlineSchedule(budget);
  }

  protected abstract retained(state: State): State;
  protected abstract dropped(state: State): void;

  // While the solve runs

  /** The next event is the first of a step. */
  protected stepBegins(): void {
    this.#steps.push(this.events.length);
  }

  /** The solve stands before step `position`. */
  protected reached(position: number, state: State): void {
    if (position === 0) return;
    const dropped = this.#schedule.reach(position);
    if (dropped !== undefined) this.#drop(dropped);
    this.keep(position, state);
  }

  // On the way back

  get steps(): number {
    return this.#steps.length;
  }

  /** What happened before the first step. */
  get prologue(): readonly Event[] {
    return this.events.slice(0, this.#steps[0]);
  }

  /** Step `index` and what happened up to the next one. */
  stretch(index: number): readonly Event[] {
    return this.events.slice(this.#steps[index], this.#steps[index + 1]);
  }

  /** Where to start for step `index`: the last state kept up to it; undefined for the start of the solve. */
  before(index: number): { readonly position: number; readonly state: State | undefined } {
    for (const position of this.#kept.keys()) {
      if (position > index) this.#drop(position);
    }
    const position = Math.max(0, ...this.#kept.keys());
    return { position, state: this.#kept.get(position) };
  }

  /** The next step before which to keep the state, on the way from `position` to step `index`; undefined where none is to be. */
  next(position: number, index: number): number | undefined {
    const states = 1 + this.#budget - this.#kept.size;
    const steps = index + 1 - position;
    if (states === 1 || steps === 1) return undefined;
    return position + nextCheckpoint(steps, states);
  }

  /** Keeps where the solve stands before step `position`. */
  keep(position: number, state: State): void {
    this.#kept.set(position, this.retained(state));
  }

  #drop(position: number): void {
    this.dropped(this.#kept.get(position) as State);
    this.#kept.delete(position);
  }

  protected free(): void {
    for (const state of this.#kept.values()) this.dropped(state);
    this.#kept.clear();
  }
}
