/**
 * Step-size control as data and one rule: how the next step follows from the error of this one.
 */

/**
 * A proportional-integral controller (Gustafsson 1991; Hairer, Wanner II, section IV.2): the next step is
 * h · clamp(safety · err^(−α) · errPrevious^β), where err is the scaled error norm, 1 at the tolerance.
 */
export interface StepController {
  /** α, for an error estimate of order q: usually about 1/(q + 1). */
  readonly alpha: number;
  /** β; 0 makes it the elementary controller. */
  readonly beta: number;
  readonly safety: number;
  /** The smallest and largest factor by which a step may change. */
  readonly minFactor: number;
  readonly maxFactor: number;
}

/** The elementary controller with the limits of Hairer's DOPRI5, for an error estimate of order `errorOrder`. */
export function integralController(errorOrder: number): StepController {
  return { alpha: 1 / (errorOrder + 1), beta: 0, safety: 0.9, minFactor: 0.2, maxFactor: 10 };
}

/** The factor for the next step after one whose scaled error is `error` (finite, 0 or more). */
export function stepFactor(
  { alpha, beta, safety, minFactor, maxFactor }: StepController,
  error: number,
  previousError: number,
): number {
  if (error === 0) return maxFactor;
  const factor = safety * error ** -alpha * previousError ** beta;
  return Math.min(maxFactor, Math.max(minFactor, factor));
}

/** Steps of one given size. */
export interface FixedControl {
  readonly kind: 'fixed';
  /** Size of a step, in units of time; positive in either direction. */
  readonly stepSize: number;
  readonly maxSteps: number;
}

/** Steps chosen by the error estimate: scaled by atol + rtol · max(|y|, |y₁|), its RMS is to stay below 1. */
export interface AdaptiveControl {
  readonly kind: 'adaptive';
  readonly rtol: number;
  readonly atol: number;
  readonly controller: StepController;
  /** First step; by Hairer's rule where absent. */
  readonly firstStep?: number;
  /** No longer step than this. */
  readonly maxStep?: number;
  readonly maxSteps: number;
}

export type Control = FixedControl | AdaptiveControl;
