/**
 * Has the steps of a solve again, from its last to its first, by repeating them from the states that were kept. Each is
 * the same graph with the same inputs as before, so every number is the same.
 */
import { type Run, releaseAll, type Slot } from '@neuralode/tensor';
import type { Rewind } from './direct-tape.ts';
import type { KeptStates } from './kept-states.ts';

/** A way through steps that were taken before; where it stands is its own. */
export interface Way<Event, State> {
  readonly evaluations: number;
  /** Borrowed. */
  readonly standing: State;
  resume(state: State): void;
  /** Goes through these events without looking at what is observed. */
  pass(events: readonly Event[]): Run<void>;
  run(events: readonly Event[]): Run<void>;
  release(): void;
}

/** Who is told what ran, and owns the residuals. */
export type Note<Event> = (event: Event, residuals: readonly Slot[]) => void;

/** A solve of which some states were kept. */
export interface KeptSolve<Event, State> {
  readonly kept: KeptStates<Event, State>;
  /** From the start of the solve. Where somebody is told, with residuals; else by the barest graphs. */
  way(note?: Note<Event>): Way<Event, State>;
}

interface Repeated<Event> {
  readonly event: Event;
  readonly residuals: readonly Slot[];
}

export class Replay<Event, State> implements Rewind<Repeated<Event>> {
  readonly #solve: KeptSolve<Event, State>;
  /** The number of the step to give next: from the last down to 0, then −1 for what was before the first. */
  #index: number;
  #residuals: Slot[] = [];
  evaluations = 0;

  constructor(solve: KeptSolve<Event, State>) {
    this.#solve = solve;
    this.#index = solve.kept.steps - 1;
  }

  get events(): readonly Event[] {
    return this.#solve.kept.events;
  }

  *previous(): Run<readonly Repeated<Event>[] | undefined> {
    this.release();
    const index = this.#index--;
    if (index < -1) return undefined;
    const { kept } = this.#solve;
    const entries: Repeated<Event>[] = [];
    const way = this.#solve.way((event, residuals) => {
      this.#residuals.push(...residuals);
      entries.push({ event, residuals });
    });
    try {
      if (index === -1) {
        yield* way.run(kept.prologue);
      } else {
        yield* this.#reach(index, way);
        yield* way.run(kept.stretch(index));
      }
    } finally {
      this.#end(way);
    }
    return entries;
  }

  /** Brings `taped` to where the solve stood before step `index`, keeping states on the way. */
  *#reach(index: number, taped: Way<Event, State>): Run<void> {
    const { kept } = this.#solve;
    let { position, state } = kept.before(index);
    const way = this.#solve.way();
    try {
      if (state === undefined) yield* way.pass(kept.prologue);
      else way.resume(state);
      while (position < index) {
        const next = kept.next(position, index);
        for (; position < (next ?? index); position++) yield* way.pass(kept.stretch(position));
        if (next !== undefined) kept.keep(position, way.standing);
      }
      taped.resume(way.standing);
    } finally {
      this.#end(way);
    }
  }

  #end(way: Way<Event, State>): void {
    this.evaluations += way.evaluations;
    way.release();
  }

  /** Lets go of what was given last. */
  release(): void {
    releaseAll(this.#residuals.splice(0));
  }
}
