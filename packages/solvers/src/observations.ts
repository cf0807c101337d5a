/**
 * What a solve observes: the state at each of its times, as it stands at the end of a step or interpolated inside one.
 */
import {
  type Backend,
  type Run,
  releaseAll,
  type Slot,
  type Spec,
  stackOf,
} from '@neuralode/tensor';
import type { SolveLog } from './solve-log.ts';
import type { AcceptedStep } from './solve-witness.ts';
import type { Stepper } from './stepper.ts';

export class Observations {
  readonly #times: readonly number[];
  readonly #direction: 1 | -1;
  readonly #exact: boolean;
  readonly #state: readonly Spec[];
  readonly #backend: Backend;
  readonly #stepper: Stepper;
  readonly #log: SolveLog;
  /** [leaf][time]. */
  readonly #observed: Slot[][];
  /** Which time is to be observed next. */
  next = 0;

  /** @param exact whether an observation at the very end of a step may be taken for the state, instead of interpolating */
  constructor(
    times: readonly number[],
    exact: boolean,
    state: readonly Spec[],
    backend: Backend,
    stepper: Stepper,
    log: SolveLog,
  ) {
    this.#times = times;
    this.#direction = times[times.length - 1] >= times[0] ? 1 : -1;
    this.#exact = exact;
    this.#state = state;
    this.#backend = backend;
    this.#stepper = stepper;
    this.#log = log;
    this.#observed = state.map(() => []);
  }

  /** So far, [leaf][time]. */
  get rows(): readonly (readonly Slot[])[] {
    return this.#observed;
  }

  /** Observes the state as it stands. */
  stand(y: readonly Slot[]): void {
    this.#log.note({ kind: 'emit', index: this.next }, []);
    this.#record(y.map((slot) => slot.retain()));
  }

  /** Whether the next observation lies up to `t`, but for the stretch's own end, observed when the stretch is done. */
  #due(t: number, stretchEnd: number): boolean {
    if (this.next === this.#times.length) return false;
    const time = this.#times[this.next];
    return (time - t) * this.#direction <= 0 && time !== stretchEnd;
  }

  /** Observes all up to `t`, to which the state stood still, at a discontinuity of the field. */
  standStill(t: number, y: readonly Slot[], stretchEnd: number): void {
    while (this.#due(t, stretchEnd)) this.stand(y);
  }

  /** Interpolates the observation times inside a step. */
  *inside({ start, h, end, before, after, stages }: AcceptedStep, stretchEnd: number): Run<void> {
    while (this.#due(end, stretchEnd)) {
      const time = this.#times[this.next];
      // Where a derivative by this time may be asked for, the interpolant must say how the state moves with it.
      if (time === end && this.#exact) {
        this.stand(after);
        continue;
      }
      const operands = [...before, ...(yield* stages())];
      const theta = (time - start) / h;
      this.#record(yield* this.#stepper.interpolate(this.next, theta, h, operands));
    }
  }

  #record(leaves: readonly Slot[]): void {
    leaves.forEach((slot, leaf) => {
      this.#observed[leaf].push(slot);
    });
    this.next++;
  }

  /** Each leaf, [T, …]. */
  results(): Slot[] {
    const stacks: Slot[] = [];
    try {
      this.#observed.forEach((slots, leaf) => {
        stacks.push(stackOf(this.#backend, slots, this.#state[leaf]));
      });
      return stacks;
    } catch (error) {
      releaseAll(stacks);
      throw error;
    }
  }

  release(): void {
    releaseAll(this.#observed.flat());
  }
}
