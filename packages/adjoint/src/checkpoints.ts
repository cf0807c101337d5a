/**
 * What `checkpointed()` keeps of a solve: its course (when each step was taken, how long, of which kind: numbers of the
 * host), and the states at some of its steps. On the way back the states change; there are never more than the budget.
 */
import { countObserved, type SolveEvent, type SolveLog, type Standing } from '@neuralode/solvers';
import { releaseAll, Slot } from '@neuralode/tensor';
import { nextCheckpoint, OnlineSchedule } from './checkpoint-schedule.ts';

function retained({ y, memory, work }: Standing): Standing {
  const retain = (slots: readonly Slot[]): Slot[] => slots.map((slot) => slot.retain());
  return { y: retain(y), memory: retain(memory), ...(work && { work: work.copy() }) };
}

export function releaseStanding({ y, memory, work }: Standing): void {
  releaseAll([...y, ...memory, ...(work ? [work] : [])]);
}

export class Checkpoints extends Slot implements SolveLog {
  readonly #budget: number;
  readonly #schedule: OnlineSchedule;
  readonly events: SolveEvent[] = [];
  /** Which event each step is. */
  readonly #steps: number[] = [];
  /** Where the solve stood before a step, by its number; the start of the solve is not kept. */
  readonly #kept = new Map<number, Standing>();

  constructor(budget: number) {
    super();
    this.#budget = budget;
    this.#schedule = new OnlineSchedule(budget);
  }

  // While the solve runs

  note(event: SolveEvent, residuals: readonly Slot[]): void {
    releaseAll(residuals);
    if (event.kind === 'step') this.#steps.push(this.events.length);
    this.events.push(event);
  }

  stands(standing: Standing): void {
    const position = this.#steps.length;
    if (position === 0) return;
    const dropped = this.#schedule.reach(position);
    if (dropped !== undefined) this.#drop(dropped);
    this.keep(position, standing);
  }

  // On the way back

  get steps(): number {
    return this.#steps.length;
  }

  get observations(): number {
    return this.events.reduce((total, event) => total + countObserved(event), 0);
  }

  /** What happened before the first step. */
  get prologue(): readonly SolveEvent[] {
    return this.events.slice(0, this.#steps[0]);
  }

  /** Step `index` and what happened up to the next one. */
  stretch(index: number): readonly SolveEvent[] {
    return this.events.slice(this.#steps[index], this.#steps[index + 1]);
  }

  /** Where to start for step `index`: the last state kept up to it; undefined for the start of the solve. */
  before(index: number): { readonly position: number; readonly standing?: Standing } {
    for (const position of this.#kept.keys()) {
      if (position > index) this.#drop(position);
    }
    const position = Math.max(0, ...this.#kept.keys());
    const standing = this.#kept.get(position);
    return { position, ...(standing && { standing }) };
  }

  /** The next step before which to keep the state, on the way from `position` to step `index`; undefined where none is to be. */
  next(position: number, index: number): number | undefined {
    const states = 1 + this.#budget - this.#kept.size;
    const steps = index + 1 - position;
    if (states === 1 || steps === 1) return undefined;
    return position + nextCheckpoint(steps, states);
  }

  /** Keeps where the solve stands before step `position`. */
  keep(position: number, standing: Standing): void {
    this.#kept.set(position, retained(standing));
  }

  #drop(position: number): void {
    releaseStanding(this.#kept.get(position) as Standing);
    this.#kept.delete(position);
  }

  protected free(): void {
    for (const standing of this.#kept.values()) releaseStanding(standing);
    this.#kept.clear();
  }
}
