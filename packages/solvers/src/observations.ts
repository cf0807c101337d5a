/**
 * What a solve observes: the state at each of its times, as it stands at the end of a step or interpolated inside one.
 */
import {
  type Backend,
  primitives as p,
  type Run,
  releaseAll,
  runKernel,
  type Slot,
  type Spec,
  sliceOf,
} from '@neuralode/tensor';
import type { SolveLog } from './solve-log.ts';
import type { AcceptedStep } from './solve-witness.ts';
import type { Stepper } from './stepper.ts';

/** What was observed together. */
interface Block {
  readonly count: number;
  /** Each leaf, [count, …]. */
  readonly leaves: readonly Slot[];
}

export class Observations {
  readonly #times: readonly number[];
  readonly #direction: 1 | -1;
  readonly #exact: boolean;
  readonly #state: readonly Spec[];
  readonly #backend: Backend;
  readonly #stepper: Stepper;
  readonly #log: SolveLog;
  readonly #blocks: Block[] = [];
  /** Observations cut out of blocks. */
  readonly #cut: Slot[] = [];
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
  }

  /** So far, [leaf][time]. */
  rows(): readonly (readonly Slot[])[] {
    return this.#state.map((spec, leaf) =>
      this.#blocks.flatMap((block) =>
        Array.from({ length: block.count }, (_, i) => this.#cutOut(block, leaf, spec, i)),
      ),
    );
  }

  #cutOut({ count, leaves }: Block, leaf: number, { shape, dtype }: Spec, index: number): Slot {
    const row = sliceOf(this.#backend, leaves[leaf], { shape: [count, ...shape], dtype }, index);
    this.#cut.push(row);
    return row;
  }

  /** Observes the state as it stands. */
  stand(y: readonly Slot[]): void {
    this.#log.note({ kind: 'emit', index: this.next }, []);
    this.#record(
      1,
      y.map((slot) => slot.retain()),
    );
  }

  /** Whether observation `index` lies up to `t`, but for the stretch's own end, observed when the stretch is done. */
  #due(index: number, t: number, stretchEnd: number): boolean {
    if (index === this.#times.length) return false;
    const time = this.#times[index];
    return (time - t) * this.#direction <= 0 && time !== stretchEnd;
  }

  /** Observes all up to `t`, to which the state has stood still. */
  standStill(t: number, y: readonly Slot[], stretchEnd: number): void {
    while (this.#due(this.next, t, stretchEnd)) this.stand(y);
  }

  /** Interpolates the observation times inside a step. */
  *inside({ start, h, end, before, after, stages }: AcceptedStep, stretchEnd: number): Run<void> {
    const thetas: number[] = [];
    let last = this.next;
    for (; this.#due(last, end, stretchEnd); last++) {
      // Where a derivative by this time may be asked for, the interpolant must say how the state moves with it.
      if (this.#times[last] === end && this.#exact) break;
      thetas.push((this.#times[last] - start) / h);
    }
    if (thetas.length > 0) {
      const operands = [...before, ...(yield* stages())];
      const states = yield* this.#stepper.interpolate(this.next, thetas, h, operands);
      this.#record(thetas.length, states);
    }
    this.standStill(end, after, stretchEnd);
  }

  #record(count: number, leaves: readonly Slot[]): void {
    this.#blocks.push({ count, leaves });
    this.next += count;
  }

  /** Each leaf, [T, …]. */
  results(): Slot[] {
    const stacks: Slot[] = [];
    try {
      this.#state.forEach(({ shape, dtype }, leaf) => {
        const blocks = this.#blocks.map(({ count, leaves }) => ({
          slot: leaves[leaf],
          spec: { shape: [count, ...shape], dtype },
        }));
        stacks.push(runKernel(this.#backend, p.concat, blocks, { axis: 0 }));
      });
      return stacks;
    } catch (error) {
      releaseAll(stacks);
      throw error;
    }
  }

  release(): void {
    releaseAll(this.#blocks.flatMap(({ leaves }) => leaves));
    releaseAll(this.#cut);
  }
}
