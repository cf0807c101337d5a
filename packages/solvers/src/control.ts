/**
 * Step-size control as data and one rule: how the next step follows from the error of this one.
 */
import type { ErrorNorm } from './norms.ts';

/**
 * A controller: the next step is h · clamp(safety · err^(−α) · errPrevious^β · errOlder^(−γ)), where err is the scaled
 * error norm, 1 at the tolerance (Gustafsson 1991; Hairer, Wanner II, section IV.2); and, for the digital filters of
 * Söderlind 2003, times powers of the latest ratios of steps. `controllers.ts` has gains from the literature.
 */
export interface StepController {
  /** α, for an error estimate of order q: usually about 1/(q + 1). */
  readonly alpha: number;
  /** β; 0 makes it the elementary controller. */
  readonly beta: number;
  /** γ; absent or 0 where the error before the previous one does not count. */
  readonly gamma?: number;
  /** The latest ratio of two steps counts with minus this power, and so, with the second number, the one before. */
  readonly ratios?: readonly number[];
  /**
   * Grow no further than Gustafsson's predictive controller would: it expects the error to go on changing as it did from
   * the last step to this one, and so follows a step that must shrink again and again without a rejection each time
   * (ACM TOMS 20, 1994; Hairer, Wanner II, section IV.8, formula 8.25).
   */
  readonly predictive?: boolean;
  readonly safety: number;
  /** The smallest and largest factor by which a step may change. */
  readonly minFactor: number;
  readonly maxFactor: number;
}

/** The elementary controller with the limits of Hairer's DOPRI5, for an error estimate of order `errorOrder`. */
export function integralController(errorOrder: number): StepController {
  return { alpha: 1 / (errorOrder + 1), beta: 0, safety: 0.9, minFactor: 0.2, maxFactor: 10 };
}

/** The same with Gustafsson's prediction, as Hairer's codes RADAU5 and RODAS have it. */
export function predictiveController(errorOrder: number): StepController {
  return { ...integralController(errorOrder), predictive: true };
}

/** What a controller remembers of the steps before. */
export interface StepMemory {
  readonly olderError: number;
  /** h/hPrevious, and hPrevious/hOlder. */
  readonly ratios: readonly [number, number];
}

const noMemory: StepMemory = { olderError: 1, ratios: [1, 1] };

/** The factor for the next step after one whose scaled error is `error` (finite, 0 or more). */
export function stepFactor(
  controller: StepController,
  error: number,
  previousError: number,
  memory: StepMemory = noMemory,
): number {
  if (error === 0) return controller.maxFactor;
  const { alpha, beta, gamma = 0, ratios, safety } = controller;
  // One power out of logarithms: several cost a solve of three numbers a tenth of its time.
  let exponent = -alpha * Math.log(error);
  if (beta !== 0) exponent += beta * Math.log(previousError);
  if (gamma !== 0) exponent -= gamma * Math.log(memory.olderError);
  ratios?.forEach((power, i) => {
    exponent -= power * Math.log(memory.ratios[i]);
  });
  let factor = safety * Math.exp(exponent);
  if (controller.predictive === true) {
    // The floor is that of RADAU5: below it an error says little of how errors change.
    const trend = Math.max(previousError, 1e-2) / error ** 2;
    factor = Math.min(factor, safety * memory.ratios[0] * trend ** alpha);
  }
  return limited(factor, controller);
}

/** The factor after a rejected step, which that step's error alone decides: no growth. */
export function rejectedFactor(controller: StepController, error: number): number {
  return Math.min(1, limited(controller.safety * error ** -controller.alpha, controller));
}

function limited(factor: number, { minFactor, maxFactor }: StepController): number {
  return Math.min(maxFactor, Math.max(minFactor, factor));
}

/** Steps of one given size. */
export interface FixedControl {
  readonly kind: 'fixed';
  /** Size of a step, in units of time; positive in either direction. */
  readonly stepSize: number;
  readonly maxSteps: number;
}

/** Steps chosen by the error estimate: scaled by atol + rtol · max(|y|, |y₁|), its norm is to stay below 1. */
export interface AdaptiveControl {
  readonly kind: 'adaptive';
  readonly rtol: number;
  readonly atol: number;
  readonly controller: StepController;
  /** First step; by Hairer's rule where absent. */
  readonly firstStep?: number;
  /** No shorter step than this. */
  readonly minStep?: number;
  /** No longer step than this. */
  readonly maxStep?: number;
  /** RMS where absent. */
  readonly norm?: ErrorNorm;
  readonly maxSteps: number;
}

export type Control = FixedControl | AdaptiveControl;
