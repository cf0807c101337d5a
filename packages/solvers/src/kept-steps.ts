/**
 * The witness that keeps what an eager solve went through: states at the steps, and whole steps for dense output.
 */
import {
  type DeviceBuffer,
  type Graph,
  hold,
  type Run,
  releaseAll,
  type Slot,
  type Spec,
  stackOf,
} from '@neuralode/tensor';
import { DenseSolution } from './dense-solution.ts';
import type { EventWatch } from './events/event-watch.ts';
import type { AcceptedStep, Cut, Witness } from './solve-witness.ts';

interface WholeStep {
  readonly dense: Graph;
  readonly start: number;
  readonly end: number;
  readonly h: number;
  /** The state before it, then its stages. */
  readonly slots: readonly Slot[];
}

const retained = (slots: readonly Slot[]): Slot[] => slots.map((slot) => slot.retain());

export class KeptSteps implements Witness {
  readonly #every: number | undefined;
  readonly #dense: boolean;
  /** Looks for events, where there are any. */
  watch: Pick<EventWatch<unknown, unknown>, 'begin' | 'inspect'> | undefined;
  /** Of a batched solve: the times of each row. */
  rowTimes: readonly (readonly number[])[] | undefined;
  #times: number[] = [];
  /** [time][leaf]. */
  readonly #rows: Slot[][] = [];
  readonly #steps: WholeStep[] = [];
  #taken = 0;
  #direction: 1 | -1 = 1;
  #from = 0;

  /** Keeps the state every `every` steps, where given; and whole steps where they are for dense output. */
  constructor(every: number | undefined, dense: boolean) {
    this.#every = every;
    this.#dense = dense;
  }

  /** The times of the rows: those of the steps, or else those asked for. */
  get times(): readonly number[] {
    return this.#times;
  }

  *begin(times: readonly number[], y: readonly Slot[]): Run<void> {
    this.#direction = times[1] > times[0] ? 1 : -1;
    this.#from = times[0];
    if (this.#every === undefined) this.#times = [...times];
    else this.#keep(times[0], y);
    if (this.watch !== undefined) yield* this.watch.begin(times[0], y);
  }

  beginRows(times: readonly (readonly number[])[]): void {
    this.#times = [...times[0]];
    this.rowTimes = times.map((row) => [...row]);
  }

  *inspect(step: AcceptedStep): Run<Cut | undefined> {
    return this.watch === undefined ? undefined : yield* this.watch.inspect(step);
  }

  *accepted(step: AcceptedStep): Run<void> {
    const { start, end, h, before, after, dense } = step;
    this.#taken++;
    if (this.#every !== undefined && this.#taken % this.#every === 0) this.#keep(end, after);
    if (!this.#dense) return;
    const stages = yield* step.stages();
    this.#steps.push({ dense, start, end, h, slots: retained([...before, ...stages]) });
  }

  end(t: number, y: readonly Slot[]): void {
    const last = this.#steps.pop();
    // The state may have stood still since, for a rounding.
    if (last !== undefined) this.#steps.push({ ...last, end: t });
    if (this.#every !== undefined && this.#times.at(-1) !== t) this.#keep(t, y);
  }

  /** Keeps what was observed up to `t`, where the solve was still sound. */
  failed(t: number, observed: readonly (readonly Slot[])[]): void {
    const later = (time: number): boolean => (time - t) * this.#direction > 0;
    if (this.#every === undefined) {
      observed[0].forEach((_, i) => {
        this.#rows.push(retained(observed.map((rows) => rows[i])));
      });
    }
    const count = this.#rows.findIndex((_, i) => later(this.#times[i]));
    if (count >= 0) releaseAll(this.#rows.splice(count).flat());
    this.#times.length = this.#rows.length;
    const sound = this.#steps.findIndex(({ end }) => later(end));
    if (sound >= 0) releaseAll(this.#steps.splice(sound).flatMap(({ slots }) => slots));
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
    if (!this.#dense) return undefined;
    const steps = this.#steps.splice(0).map(({ dense, start, end, h, slots }) => ({
      dense,
      start,
      end,
      h,
      tensors: slots.map((slot, i) => hold(slot as DeviceBuffer, dense.inputs[2 + i])),
    }));
    return new DenseSolution(steps, this.#from, this.#direction);
  }

  release(): void {
    releaseAll(this.#rows.splice(0).flat());
    releaseAll(this.#steps.splice(0).flatMap(({ slots }) => slots));
  }
}
