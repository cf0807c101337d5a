/**
 * Has the steps of a reversible method again, from the last to the first: each is undone from the state that it led to,
 * and then taken once more for its residuals. Only where the steps begin afresh is a state kept.
 */
import { sumOf } from '@neuralode/autodiff';
import {
  NonFiniteError,
  type OdeSolveAttrs,
  type RunnableGraphs,
  type SolveEvent,
  type SolveLog,
  type Standing,
  type StepEvent,
  stepGraphs,
  type Uploadable,
  runWithNumbers,
} from '@neuralode/solvers';
import {
  type Backend,
  type DeviceBuffer,
  type Graph,
  type Run,
  record,
  releaseAll,
  runGraph,
  Slot,
  type Tensor,
  where,
} from '@neuralode/tensor';
import { releaseStanding } from './checkpoints.ts';
import type { Rewind, TapeEntry } from './direct-tape.ts';
import { Passage, type RepeatedSolve } from './passage.ts';

const retain = (slots: readonly Slot[]): Slot[] => slots.map((slot) => slot.retain());

/** What is kept of a solve by a reversible method: its course, and where it stood when its steps ended. */
export class Course extends Slot implements SolveLog {
  readonly events: SolveEvent[] = [];
  /** Which event each step is. */
  readonly steps: number[] = [];
  /** Where the solve stood after a step that the next one does not follow, by the step's number. */
  readonly #ends = new Map<number, Standing>();

  note(event: SolveEvent, residuals: readonly Slot[]): void {
    releaseAll(residuals);
    if (event.kind === 'step') this.steps.push(this.events.length);
    this.events.push(event);
  }

  ends({ y, memory }: Standing): void {
    this.#drop(this.steps.length - 1);
    this.#ends.set(this.steps.length - 1, { y: retain(y), memory: retain(memory) });
  }

  endOf(step: number): Standing | undefined {
    return this.#ends.get(step);
  }

  #drop(step: number): void {
    const standing = this.#ends.get(step);
    if (standing !== undefined) releaseStanding(standing);
    this.#ends.delete(step);
  }

  protected free(): void {
    for (const step of [...this.#ends.keys()]) this.#drop(step);
  }
}

/** A solve whose steps can be undone. */
export interface ReversibleSolve extends RepeatedSolve {
  readonly course: Course;
  /** Without estimated errors, with residuals. */
  readonly taped: RunnableGraphs;
}

/** Beyond this, relative to the size of the initial state, the gradient's error is seen in training. */
const largestDrift = 1e-3;

const known = new WeakMap<OdeSolveAttrs, Graph>();

/** Inputs: a state, and the one that it is to be. Output: ‖difference‖ / ‖what it is to be‖; the difference itself where that is zero. */
function driftGraph(attrs: OdeSolveAttrs): Graph {
  let graph = known.get(attrs);
  if (graph === undefined) {
    const { leaves, body } = attrs;
    const state = body.inputs.slice(1, 1 + leaves);
    graph = record([...state, ...state], (...stand) => {
      const norm = (parts: readonly Tensor[]): Tensor =>
        (sumOf(parts.map((part) => part.square().sum())) as Tensor).sqrt();
      const size = norm(stand.slice(leaves));
      const drift = norm(stand.slice(0, leaves).map((leaf, l) => leaf.sub(stand[leaves + l])));
      return [drift.div(where(size.greater(0), size, size.add(1)))];
    }).graph;
    known.set(attrs, graph);
  }
  return graph;
}

export class UndoneSteps implements Rewind {
  readonly #solve: ReversibleSolve;
  readonly #backend: Backend;
  readonly #taped: RunnableGraphs;
  /** The number of the step to give next: from the last down to 0, then −1 for what was before the first. */
  #index: number;
  /** Where the solve stood after that step. */
  #standing: Standing | undefined;
  #residuals: Slot[] = [];
  evaluations = 0;

  constructor(solve: ReversibleSolve, backend: Backend) {
    this.#solve = solve;
    this.#backend = backend;
    this.#taped = solve.taped;
    this.#index = solve.course.steps.length - 1;
  }

  get events(): readonly SolveEvent[] {
    return this.#solve.course.events;
  }

  *previous(): Run<readonly TapeEntry[] | undefined> {
    releaseAll(this.#residuals.splice(0));
    const index = this.#index--;
    if (index < -1) return undefined;
    const { events, steps } = this.#solve.course;
    const entries: TapeEntry[] = [];
    const log: SolveLog = {
      note: (event, residuals) => {
        this.#residuals.push(...residuals);
        entries.push({ event, residuals });
      },
    };
    const passage = new Passage(this.#solve, this.#taped, log, this.#backend);
    try {
      if (index >= 0) {
        yield* this.#undo(index);
        passage.resume(this.#standing as Standing);
      }
      yield* passage.run(events.slice(steps[index] ?? 0, steps[index + 1]));
    } finally {
      this.evaluations += passage.evaluations;
      passage.release();
    }
    return entries;
  }

  /** Goes back to where the solve stood before step `index`. */
  *#undo(index: number): Run<void> {
    const { attrs, inputs, course } = this.#solve;
    const { planned, t, h } = course.events[course.steps[index]] as StepEvent;
    const { y, memory } = course.endOf(index) ?? (this.#standing as Standing);
    const { reverse } = stepGraphs(attrs).of(planned.kind);
    const numbers: Uploadable[] = [t, h];
    if (planned.kind.coefficients > 0) numbers.push(planned.coefficients);
    const operands = [...y, ...memory, ...inputs.args];
    const before = yield* runWithNumbers(reverse as Graph, numbers, operands, this.#backend);
    this.evaluations += planned.kind.cost.step.evaluations;
    this.#forget();
    this.#standing = { y: before.slice(0, attrs.leaves), memory: before.slice(attrs.leaves) };
    if (index === 0) yield* this.#requireInitial(t);
  }

  /** Undone, the first step must lead from the initial state; where it does not, no step before the last can be trusted. */
  *#requireInitial(t: number): Run<void> {
    const { attrs, inputs } = this.#solve;
    const operands = [...(this.#standing as Standing).y, ...inputs.y0];
    const [slot] = yield* runGraph(driftGraph(attrs), operands, this.#backend);
    let drift: number;
    try {
      [drift] = Array.from(yield slot as DeviceBuffer);
    } finally {
      slot.release();
    }
    if (drift <= largestDrift) return;
    const what = Number.isFinite(drift)
      ? `undone, its steps lead ${drift.toExponential(1)} past the initial state, relative to its size:`
      : 'undone, its steps do not lead to a finite state:';
    const remedy =
      'Take checkpointed(), or smaller steps; coupled(rk4()) is undone over longer times than alf() and reversibleHeun()';
    throw new NonFiniteError(
      t,
      'backward',
      `${what} going back over a contracting field magnifies rounding`,
      { who: 'reversible' },
      remedy,
    );
  }

  #forget(): void {
    if (this.#standing !== undefined) releaseStanding(this.#standing);
    this.#standing = undefined;
  }

  release(): void {
    releaseAll(this.#residuals.splice(0));
    this.#forget();
  }
}
