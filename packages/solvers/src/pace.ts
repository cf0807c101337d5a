/**
 * The pace of a solve: where the next step ends, whether it stands, and how long the one after may be. Numbers only, in
 * float64, whatever the state is; the run loop brings the errors.
 *
 * The decisions are those of Hairer's DOPRI5 (Hairer, Nørsett, Wanner I, section II.4): no growth right after a rejected
 * step, and a last step stretched by up to 1 % rather than followed by a sliver.
 */
import {
  type AdaptiveControl,
  type Control,
  type FixedControl,
  rejectedFactor,
  type StepMemory,
  stepFactor,
} from './control.ts';

/** A step to try. */
export interface Stride {
  /** The time at which it ends. */
  readonly next: number;
  /** Its signed length: the difference of the two times as float64 has them, so that no drift builds up. */
  readonly h: number;
  /** Whether it is shorter than its error alone would have made it. */
  readonly cut: boolean;
}

export interface Pace {
  /** A new stretch of time begins at `t`. */
  begin(t: number): void;
  /** The step to try from `t`; it ends on `landing` rather than just short of it. */
  stride(t: number, landing: number): Stride;
}

/** How much longer than planned a step may be, if that spares a sliver. */
export const stretch = 1.01;

/** Rounding in a sum of equal steps, which must not leave a sliver either. */
export const rounding = 1e-12;

/**
 * The smallest step worth trying: a few units in the last place of t, so that t + h differs from t. At t = 0 it follows
 * from the span; or a field that is not finite there would be tried with every step down to the smallest number.
 */
export function smallestStep(t: number, span: number): number {
  return 16 * Number.EPSILON * Math.max(Math.abs(t), Number.EPSILON * span);
}

/** Equal steps, counted from where the stretch began: adding them up would drift. */
export class FixedPace implements Pace {
  readonly #signedStep: number;
  readonly #sliver: number;
  #origin: number;
  #taken = 0;

  constructor({ stepSize }: FixedControl, from: number, to: number) {
    this.#signedStep = to >= from ? stepSize : -stepSize;
    this.#sliver = Math.max(rounding * stepSize, smallestStep(to, Math.abs(to - from)));
    this.#origin = from;
  }

  begin(t: number): void {
    this.#origin = t;
    this.#taken = 0;
  }

  stride(t: number, landing: number): Stride {
    this.#taken++;
    const planned = this.#origin + this.#taken * this.#signedStep;
    const left = (landing - planned) * Math.sign(this.#signedStep);
    const next = left <= this.#sliver ? landing : planned;
    return { next, h: next - t, cut: false };
  }
}

/** Steps that follow from the errors of those before. */
export class AdaptivePace implements Pace {
  readonly #control: AdaptiveControl;
  readonly #direction: 1 | -1;
  readonly #span: number;
  /** No step is longer than this. */
  readonly limit: number;
  /** Length of the next step, if nothing cuts it. */
  size: number;
  #previousError = 1;
  #olderError = 1;
  /** Whether the controller looks further back than to the previous error. */
  readonly #remembers: boolean;
  /** Lengths of the latest two accepted steps; 0 where there was none. */
  #latest = 0;
  #older = 0;
  #afterRejection = false;

  constructor(control: AdaptiveControl, from: number, to: number) {
    this.#control = control;
    const { gamma, ratios, predictive } = control.controller;
    this.#remembers = gamma !== undefined || ratios !== undefined || predictive === true;
    this.#direction = to >= from ? 1 : -1;
    this.#span = Math.abs(to - from);
    this.limit = Math.min(control.maxStep ?? this.#span, this.#span);
    this.size = control.firstStep ?? this.limit;
  }

  begin(): void {}

  stride(t: number, landing: number): Stride {
    const left = Math.abs(landing - t);
    const cut = Math.min(this.limit, left) < this.size * (1 - rounding);
    const planned = Math.max(Math.min(this.size, this.limit), this.#control.minStep ?? 0);
    const longest = Math.min(this.size * stretch, this.limit * (1 + rounding));
    const reaches = left <= longest || left - planned < smallestStep(landing, this.#span);
    const length = Math.max(planned, smallestStep(t, this.#span));
    const next = reaches ? landing : t + length * this.#direction;
    return { next, h: next - t, cut };
  }

  /** Whether a step with this scaled error stands; plans the next one, over `advice` where given instead of the controller. */
  judge({ h, cut }: Stride, error: number, advice?: number): boolean {
    const { controller } = this.#control;
    const tried = Math.abs(h);
    if (error <= 1) {
      const memory = this.#remembers ? this.#memory(tried) : undefined;
      const factor = stepFactor(controller, error, this.#previousError, memory);
      const size = advice ?? tried * (this.#afterRejection ? Math.min(1, factor) : factor);
      // A step cut short says little about how long a step may be.
      this.size = cut ? Math.max(size, this.size) : size;
      this.#olderError = this.#previousError;
      this.#previousError = Math.max(error, 1e-4);
      this.#older = this.#latest;
      this.#latest = tried;
      this.#afterRejection = false;
      return true;
    }
    const finite = Number.isFinite(error);
    const factor = finite ? rejectedFactor(controller, error) : controller.minFactor;
    this.size = advice ?? tried * factor;
    const { minStep = 0 } = this.#control;
    // The shortest step allowed is tried too, once.
    if (tried > minStep * (1 + rounding)) this.size = Math.max(this.size, minStep);
    this.#afterRejection = true;
    return false;
  }

  #memory(tried: number): StepMemory {
    const ratio = (after: number, before: number): number => (before > 0 ? after / before : 1);
    const ratios = [ratio(tried, this.#latest), ratio(this.#latest, this.#older)] as const;
    return { olderError: this.#olderError, ratios };
  }

  /** Whether steps have become too short at `t` to move on. */
  vanished(t: number): boolean {
    const { minStep = 0 } = this.#control;
    return this.size < Math.max(smallestStep(t, this.#span), minStep * (1 - rounding));
  }
}

/**
 * Watches the times at which events change the state. The next step is kept within a few of the latest gap, or events
 * that come ever faster would at last hide inside a step; and where no gap is left, that is found out.
 */
export class EventGaps {
  #latest: number | undefined;

  /** An event has changed the state at `t`; false where time does not move on any more. */
  note(t: number, span: number, pace: FixedPace | AdaptivePace): boolean {
    const gap = this.#latest === undefined ? Number.POSITIVE_INFINITY : Math.abs(t - this.#latest);
    this.#latest = t;
    if (pace instanceof AdaptivePace) pace.size = Math.min(pace.size, 4 * gap);
    return gap > smallestStep(t, span);
  }
}

export function paceOf(control: Control, from: number, to: number): FixedPace | AdaptivePace {
  return control.kind === 'fixed'
    ? new FixedPace(control, from, to)
    : new AdaptivePace(control, from, to);
}

/**
 * Hairer's rule for the first step, its two halves: how far to look, and, knowing how the field bends there (its change
 * over `trial`), how far to go.
 */
export function trialStep(stateNorm: number, fieldNorm: number, limit: number): number {
  const rough = stateNorm < 1e-5 || fieldNorm < 1e-5 ? 1e-6 : (0.01 * stateNorm) / fieldNorm;
  return Math.min(Number.isFinite(rough) && rough > 0 ? rough : 1e-6, limit);
}

export function firstStep(
  trial: number,
  fieldNorm: number,
  bendNorm: number,
  errorOrder: number,
): number {
  const largest = Math.max(fieldNorm, bendNorm);
  if (!Number.isFinite(largest)) return trial;
  const fine =
    largest > 1e-15 ? (0.01 / largest) ** (1 / (errorOrder + 1)) : Math.max(1e-6, trial * 1e-3);
  return Math.min(100 * trial, fine);
}
