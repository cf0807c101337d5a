/**
 * Watches whether the state stays finite, where no error estimate shows it. Each look is a small graph on the device; the
 * host reads the looks many at a time, since reading is what costs.
 */
import {
  type Backend,
  type Graph,
  type Run,
  releaseAll,
  runGraph,
  type Slot,
  sizeOf,
  stackOf,
} from '@neuralode/tensor';
import { NonFiniteError } from './errors.ts';

/** A moment at which the state was looked at: after a step from `start`, or as it stands where that is `time`. */
export interface Look {
  readonly start: number;
  readonly time: number;
}

/** After how many looks the device is asked. */
const interval = 16;

export class FiniteWatch<L = Look> {
  readonly #backend: Backend;
  /** Inputs: the state. Output: NaN where an element of the state is not finite; a scalar, or one number a row. */
  readonly #graph: Graph;
  readonly #fail: (look: L, row: number) => never;
  readonly #looks: L[] = [];
  readonly #probes: Slot[] = [];

  constructor(backend: Backend, graph: Graph, fail: (look: L, row: number) => never) {
    this.#backend = backend;
    this.#graph = graph;
    this.#fail = fail;
  }

  /** Looks at `state` (borrowed); at times also asks, and fails. */
  *look(state: readonly Slot[], look: L): Run<void> {
    const [probe] = yield* runGraph(this.#graph, state, this.#backend);
    this.#probes.push(probe);
    this.#looks.push(look);
    if (this.#probes.length >= interval) yield* this.ask();
  }

  /** Fails at the first look at which the state was not finite. */
  *ask(): Run<void> {
    if (this.#probes.length === 0) return;
    const answers = stackOf(this.#backend, this.#probes, this.#graph.outputs[0]);
    this.release();
    const looks = this.#looks.splice(0);
    let bad: number;
    try {
      bad = (yield answers).findIndex((value) => !Number.isFinite(value));
    } finally {
      answers.release();
    }
    const rows = sizeOf(this.#graph.outputs[0].shape);
    if (bad >= 0) this.#fail(looks[Math.floor(bad / rows)], bad % rows);
  }

  /** Runs what looks at the state too: where it finds no number, the state is asked first whether it is none either. */
  *before<T>(run: Run<T>, state: readonly Slot[], look: L): Run<T> {
    try {
      return yield* run;
    } catch (error) {
      if (error instanceof NonFiniteError) {
        yield* this.look(state, look);
        yield* this.ask();
      }
      throw error;
    }
  }

  release(): void {
    releaseAll(this.#probes.splice(0));
  }
}
