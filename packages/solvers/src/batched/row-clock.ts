/**
 * One row of a batched solve, as the host keeps it: its times, where it stands, its pace, and which of its observations
 * a step has passed. Numbers only; the run loop moves the states.
 */
import type { Control } from '../control.ts';
import { type AdaptivePace, type FixedPace, paceOf, type Stride } from '../pace.ts';

/** A step that a row tries. */
export interface RowStride extends Stride {
  /** The time at which it starts. */
  readonly t: number;
  /** Indices of the times between which its stretch lies. */
  readonly from: number;
  readonly to: number;
  /** Where it starts and how long it is, as fractions of that stretch. */
  readonly position: number;
  readonly length: number;
}

/** What an accepted step passed. */
export interface Passage {
  /** Observations to interpolate, by index and fraction of the step. */
  readonly inside: readonly { readonly index: number; readonly theta: number }[];
  /** Observations that are the state as it now stands. */
  readonly standing: readonly number[];
  /** Index of the time at which the state now jumps. */
  readonly jump?: number;
}

export class RowClock {
  readonly times: readonly number[];
  readonly end: number;
  readonly pace: FixedPace | AdaptivePace;
  /** Where the row stands. */
  t: number;
  accepted = 0;
  rejected = 0;
  readonly #jumps: boolean;
  readonly #exact: boolean;
  readonly #direction: number;
  #from = 0;
  #to: number;
  #next = 1;
  /** Where the latest step started. */
  #start: number;

  /**
   * @param jumps whether steps must end on every time, the state jumping at the interior ones
   * @param exact whether an observation at the very end of a step may be taken for the state, instead of interpolating
   */
  constructor(times: readonly number[], control: Control, jumps: boolean, exact: boolean) {
    this.times = times;
    this.t = times[0];
    this.#start = times[0];
    this.end = times[times.length - 1];
    this.pace = paceOf(control, times[0], this.end);
    this.#jumps = jumps;
    this.#exact = exact;
    this.#direction = Math.sign(this.end - this.t);
    this.#to = jumps ? 1 : times.length - 1;
    this.pace.begin(this.t);
  }

  get done(): boolean {
    return this.#next === this.times.length;
  }

  get attempts(): number {
    return this.accepted + this.rejected;
  }

  /** The step to try: of no length where the row is done. Every one asked for is counted as taken, where steps are fixed. */
  stride(): RowStride {
    if (this.done) return this.still();
    const { t } = this;
    const start = this.times[this.#from];
    const landing = this.times[this.#to];
    const { next, h, cut } = this.pace.stride(t, landing);
    const span = landing - start;
    const position = (t - start) / span;
    const length = h / span;
    // Written out: spreading one object into another for each row and step took longer than the step's kernels.
    return { t, next, h, cut, from: this.#from, to: this.#to, position, length };
  }

  /**
   * A step of no length from where the row stands; where it is done, from where the field was evaluated already: at the
   * very end it may have a pole.
   */
  still(): RowStride {
    const { t } = this;
    if (this.done) {
      const to = this.times.length - 1;
      return { t: this.#start, next: t, h: 0, cut: false, from: 0, to, position: 1, length: 0 };
    }
    const [from, to] = [this.#from, this.#to];
    const start = this.times[from];
    const position = (t - start) / (this.times[to] - start);
    return { t, next: t, h: 0, cut: false, from, to, position, length: 0 };
  }

  /** Moves on by a step that stands. */
  pass({ t, next, h, to }: RowStride): Passage {
    this.accepted++;
    this.#start = t;
    this.t = next;
    const inside: { index: number; theta: number }[] = [];
    const standing: number[] = [];
    for (; this.#next < to; this.#next++) {
      const time = this.times[this.#next];
      if ((time - next) * this.#direction > 0) break;
      if (time === next && this.#exact) standing.push(this.#next);
      else inside.push({ index: this.#next, theta: (time - t) / h });
    }
    if (next !== this.times[to]) return { inside, standing };
    standing.push(to);
    this.#next = to + 1;
    if (this.done) return { inside, standing };
    this.#from = to;
    this.#to = this.#jumps ? to + 1 : this.times.length - 1;
    this.pace.begin(next);
    return { inside, standing, jump: to };
  }
}

/** The steps of the rows that `stands` names; no step elsewhere. */
export function onlyWhere(stands: readonly boolean[], strides: readonly RowStride[]): RowStride[] {
  return strides.map((each, r) => (stands[r] ? each : { ...each, h: 0, length: 0 }));
}
