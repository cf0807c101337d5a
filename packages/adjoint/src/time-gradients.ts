/**
 * The gradient by the times of a solve, gathered on the walk back over its steps: see the head of direct.ts for what
 * moves with them.
 */
import type { SolveEvent, StepEvent } from '@neuralode/solvers';
import {
  type Backend,
  releaseAll,
  type Slot,
  type Spec,
  sliceOf,
  stackOf,
} from '@neuralode/tensor';
import { Totals } from './totals.ts';

/** What of a step the cotangents gathered are of. */
const length = 0;
const start = 1;

export class TimeGradients {
  readonly #backend: Backend;
  readonly #scalar: Spec;
  /** Indices of the times between which a stretch lies. */
  readonly #stretch: (segment: number) => readonly [number, number];
  /** By index of the time. */
  readonly #times: Totals;
  /** Of the step being walked. */
  readonly #step: Totals;

  constructor(
    backend: Backend,
    scalar: Spec,
    stretch: (segment: number) => readonly [number, number],
  ) {
    this.#backend = backend;
    this.#scalar = scalar;
    this.#stretch = stretch;
    this.#times = new Totals(backend);
    this.#step = new Totals(backend);
  }

  /** Takes over cotangents of the length of the step being walked, and of the time at which it starts. */
  addToStep(byLength: Slot, byStart?: Slot): void {
    this.#step.add(length, byLength, this.#scalar);
    if (byStart !== undefined) this.#step.add(start, byStart, this.#scalar);
  }

  /**
   * Takes over the cotangents of the fractions θ = (tᵢ − t)/h: they move with the observation times; and with the step,
   * ∂θ/∂t = −1/h and ∂θ/∂h = −θ/h, whose share follows by `closeStep`.
   */
  addObserved({ index, thetas, h }: Extract<SolveEvent, { kind: 'dense' }>, slots: Slot): void {
    const list: Spec = { shape: [thetas.length], dtype: this.#scalar.dtype };
    thetas.forEach((theta, i) => {
      const cotangent = sliceOf(this.#backend, slots, list, i);
      this.#times.add(index + i, cotangent.retain(), this.#scalar, 1 / h);
      this.#step.add(start, cotangent.retain(), this.#scalar, -1 / h);
      this.#step.add(length, cotangent, this.#scalar, -theta / h);
    });
    slots.release();
  }

  /** From the cotangents of the step's start and length to those of the ends of its stretch. */
  closeStep({ segment, position, length: share }: StepEvent): void {
    const t = this.#step.take(start, this.#scalar);
    const h = this.#step.take(length, this.#scalar);
    const [from, to] = this.#stretch(segment);
    this.#times.add(from, t.retain(), this.#scalar, 1 - position);
    this.#times.add(to, t, this.#scalar, position);
    this.#times.add(from, h.retain(), this.#scalar, -share);
    this.#times.add(to, h, this.#scalar, share);
  }

  /** Takes over the cotangent of the time at which a stretch starts. */
  addToStart(segment: number, slot: Slot): void {
    this.#times.add(this.#stretch(segment)[0], slot, this.#scalar);
  }

  /** By all `count` times, [count]; the caller owns it. */
  take(count: number): Slot {
    const rows = Array.from({ length: count }, (_, i) => this.#times.take(i, this.#scalar));
    const stack = stackOf(this.#backend, rows, this.#scalar);
    releaseAll(rows);
    return stack;
  }

  release(): void {
    this.#times.release();
    this.#step.release();
  }
}
