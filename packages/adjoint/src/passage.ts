/**
 * A way through steps of a solve that were taken before.
 */
import {
  applyJumps,
  type OdeSolveAttrs,
  type RunnableGraphs,
  type SolveEvent,
  type SolveInputs,
  type SolveLog,
  type Standing,
  type StepEvent,
  Stepper,
} from '@neuralode/solvers';
import type { Way } from './replay.ts';
import { type Backend, type Run, releaseAll, type Slot } from '@neuralode/tensor';

/** A solve to be repeated, piece by piece. */
export interface RepeatedSolve {
  readonly attrs: OdeSolveAttrs;
  readonly inputs: SolveInputs<Slot>;
  /** How many times it observed. */
  readonly observations: number;
}

export class Passage implements Way<SolveEvent, Standing> {
  readonly #solve: RepeatedSolve;
  readonly #log: SolveLog;
  readonly #backend: Backend;
  readonly #stepper: Stepper;
  #y: Slot[];
  /** The state before the latest step. */
  #before: Slot[] = [];
  #step: StepEvent | undefined;

  /** Begins at the start of the solve; `log` is told of all over again. */
  constructor(solve: RepeatedSolve, graphs: RunnableGraphs, log: SolveLog, backend: Backend) {
    const { attrs, inputs } = solve;
    this.#solve = solve;
    this.#log = log;
    this.#backend = backend;
    this.#stepper = new Stepper(attrs, inputs.args, backend, graphs, log);
    this.#y = inputs.y0.map((slot) => slot.retain());
  }

  get evaluations(): number {
    return this.#stepper.evaluations;
  }

  /** Borrowed. */
  get standing(): Standing {
    return this.#stepper.standing(this.#y);
  }

  resume(standing: Standing): void {
    releaseAll(this.#y);
    this.#y = standing.y.map((slot) => slot.retain());
    this.#stepper.resume(standing);
  }

  /** Goes through these events without looking at what is observed. */
  *pass(events: readonly SolveEvent[]): Run<void> {
    yield* this.run(events.filter(({ kind }) => kind !== 'dense'));
  }

  *run(events: readonly SolveEvent[]): Run<void> {
    for (const event of events) yield* this.#repeat(event);
  }

  *#repeat(event: SolveEvent): Run<void> {
    switch (event.kind) {
      case 'start':
        return yield* this.#stepper.begin(event.t, this.#y, event);
      case 'step':
        releaseAll(this.#before);
        this.#before = this.#y;
        this.#y = [];
        this.#step = event;
        this.#y = yield* this.#stepper.repeat(event, this.#before);
        return;
      case 'dense':
        return yield* this.#observe(event.index, event.thetas);
      case 'jump':
        this.#jump(event.index);
        return this.#log.note(event, []);
      case 'emit':
        return this.#log.note(event, []);
      case 'extend':
        // Told again by the stepper, when something is observed.
        return;
    }
  }

  *#observe(index: number, thetas: readonly number[]): Run<void> {
    const { t, h } = this.#step as StepEvent;
    const groups = yield* this.#stepper.denseGroups(t, h, this.#before);
    const operands = [...this.#before, ...groups];
    releaseAll(yield* this.#stepper.interpolate(index, thetas, h, operands));
  }

  #jump(index: number): void {
    const { attrs, inputs, observations } = this.#solve;
    const at = { index, count: observations };
    applyJumps(this.#backend, attrs, this.#y, inputs.jumps, at);
  }

  release(): void {
    releaseAll([...this.#y, ...this.#before]);
    this.#stepper.release();
  }
}
