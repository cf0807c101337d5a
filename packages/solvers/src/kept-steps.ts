/**
 * The witness that keeps what an eager solve went through: states at the steps, and whole steps for dense output.
 */
import {
  type DeviceBuffer,
  hold,
  type Run,
  releaseAll,
  type Slot,
  type Spec,
  stackOf,
} from '@neuralode/tensor';
import { DenseSolution } from './dense-solution.ts';
import type { StepGraphs } from './step-graphs.ts';
import type { AcceptedStep, Witness } from './solve-witness.ts';

interface WholeStep {
  readonly start: number;
  readonly end: number;
  readonly h: number;
  /** The state before it, then its stages. */
  readonly slots: readonly Slot[];
}

const retained = (slots: readonly Slot[]): Slot[] => slots.map((slot) => slot.retain());

export class KeptSteps implements Witness {
  readonly #every: number | undefined;
  /** The graph of a step's interpolant, once known. */
  dense: StepGraphs['dense'] | undefined;
  #times: number[] = [];
  /** [time][leaf]. */
  readonly #rows: Slot[][] = [];
  readonly #steps: WholeStep[] = [];
  #taken = 0;
  #direction: 1 | -1 = 1;
  #from = 0;

  /** Keeps the state every `every` steps, where given; and whole steps where `dense` is set before the run. */
  constructor(every: number | undefined) {
    this.#every = every;
  }

  /** The times of the rows: those of the steps, or else those asked for. */
  get times(): readonly number[] {
    return this.#times;
  }

  begin(times: readonly number[], y: readonly Slot[]): void {
    this.#from = times[0];
    if (this.#every === undefined) this.#times = [...times];
    else this.#keep(times[0], y);
  }

  *accepted(step: AcceptedStep): Run<void> {
    const { start, end, h, before, after } = step;
    this.#taken++;
    this.#direction = h > 0 ? 1 : -1;
    if (this.#every !== undefined && this.#taken % this.#every === 0) this.#keep(end, after);
    if (this.dense === undefined) return;
    const stages = yield* step.stages();
    this.#steps.push({ start, end, h, slots: retained([...before, ...stages]) });
  }

  end(t: number, y: readonly Slot[]): void {
    if (this.#every !== undefined && this.#times.at(-1) !== t) this.#keep(t, y);
  }

  #keep(t: number, y: readonly Slot[]): void {
    this.#times.push(t);
    this.#rows.push(retained(y));
  }

  /** The kept states, each leaf [N, …]. The caller owns them. */
  stacks(state: readonly Spec[]): Slot[] {
    const { backend } = this.#rows[0][0] as DeviceBuffer;
    return state.map((spec, leaf) =>
      stackOf(
        backend,
        this.#rows.map((row) => row[leaf]),
        spec,
      ),
    );
  }

  /** The dense solution, which takes over the steps. */
  solution(): DenseSolution | undefined {
    const graph = this.dense;
    if (graph === undefined) return undefined;
    const [theta, , ...specs] = graph.inputs;
    const steps = this.#steps.splice(0).map(({ start, end, h, slots }) => ({
      start,
      end,
      h,
      tensors: slots.map((slot, i) => hold(slot as DeviceBuffer, specs[i])),
    }));
    return new DenseSolution(graph, theta, steps, this.#from, this.#direction);
  }

  release(): void {
    releaseAll(this.#rows.splice(0).flat());
    releaseAll(this.#steps.splice(0).flatMap(({ slots }) => slots));
  }
}
