/**
 * Has the steps of a solve again, from its last to its first, by repeating them from the states that were kept. Each is
 * the same graph with the same inputs as before, so every number is the same.
 */
import { noLog, type SolveEvent, type SolveLog } from '@neuralode/solvers';
import { type Backend, type Run, releaseAll, type Slot } from '@neuralode/tensor';
import type { Checkpoints } from './checkpoints.ts';
import type { Rewind, TapeEntry } from './direct-tape.ts';
import { Passage, type RepeatedSolve } from './passage.ts';

/** A solve of which some states were kept. */
export interface KeptSolve extends RepeatedSolve {
  readonly checkpoints: Checkpoints;
}

export class Replay implements Rewind {
  readonly #solve: KeptSolve;
  readonly #backend: Backend;
  /** The number of the step to give next: from the last down to 0, then −1 for what was before the first. */
  #index: number;
  #residuals: Slot[] = [];
  evaluations = 0;

  constructor(solve: KeptSolve, backend: Backend) {
    this.#solve = solve;
    this.#backend = backend;
    this.#index = solve.checkpoints.steps - 1;
  }

  get events(): readonly SolveEvent[] {
    return this.#solve.checkpoints.events;
  }

  *previous(): Run<readonly TapeEntry[] | undefined> {
    this.release();
    const index = this.#index--;
    if (index < -1) return undefined;
    const { checkpoints, taped } = this.#solve;
    const entries: TapeEntry[] = [];
    const log: SolveLog = {
      note: (event, residuals) => {
        this.#residuals.push(...residuals);
        entries.push({ event, residuals });
      },
    };
    const passage = new Passage(this.#solve, taped, log, this.#backend);
    try {
      if (index === -1) {
        yield* passage.run(checkpoints.prologue);
      } else {
        yield* this.#reach(index, passage);
        yield* passage.run(checkpoints.stretch(index));
      }
    } finally {
      this.#end(passage);
    }
    return entries;
  }

  /** Brings `passage` to where the solve stood before step `index`, keeping states on the way. */
  *#reach(index: number, passage: Passage): Run<void> {
    const { checkpoints, plain } = this.#solve;
    let { position, standing } = checkpoints.before(index);
    const way = new Passage(this.#solve, plain, noLog, this.#backend);
    try {
      if (standing === undefined) yield* way.pass(checkpoints.prologue);
      else way.resume(standing);
      while (position < index) {
        const next = checkpoints.next(position, index);
        for (; position < (next ?? index); position++) {
          yield* way.pass(checkpoints.stretch(position));
        }
        if (next !== undefined) checkpoints.keep(position, way.standing);
      }
      passage.resume(way.standing);
    } finally {
      this.#end(way);
    }
  }

  #end(passage: Passage): void {
    this.evaluations += passage.evaluations;
    passage.release();
  }

  /** Lets go of what was given last. */
  release(): void {
    releaseAll(this.#residuals.splice(0));
  }
}
