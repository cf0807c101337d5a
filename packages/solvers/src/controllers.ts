/**
 * Step-size controllers from the literature, as data.
 *
 * A controller sees the logarithms of errors and steps as signals and is a linear filter between them:
 *
 *     h' = h · Π errᵢ^(−βᵢ/k) · Π (hᵢ/hᵢ₊₁)^(−αᵢ)
 *
 * over the latest errors and ratios of steps, newest first; k is the order of the error in one step. The gains βᵢ and αᵢ
 * are those of Söderlind, "Digital filters in adaptive time-stepping" (ACM TOMS 29, 2003), and of Hairer, Wanner,
 * "Solving Ordinary Differential Equations II" (2nd ed., 1996), section IV.2.
 */
import { ArgumentError } from '@neuralode/tensor';
import { shown } from './call.ts';
import type { StepController } from './control.ts';

/** Gains of a controller, for a method of any order. */
export interface ControllerGains {
  readonly kind: 'gains';
  readonly name: string;
  /** β of the latest error, and of up to two before. */
  readonly errors: readonly number[];
  /** α of the latest ratio of two steps, and of the one before. */
  readonly ratios?: readonly number[];
  /** Whether to grow no further than the error's trend allows; see `StepController`. */
  readonly predictive?: boolean;
}

function gains(name: string, errors: readonly number[], ratios: readonly number[] = []) {
  return (): ControllerGains => ({ kind: 'gains', name, errors, ratios });
}

/** The elementary controller: each step from the last error alone. The default of explicit methods. */
export const elementary = gains('I', [1]);
/**
 * The elementary controller, held back by Gustafsson's prediction (ACM TOMS 20, 1994), as in Hairer's codes RADAU5 and
 * RODAS. The default of implicit methods.
 */
export const gustafssonPredictive = (): ControllerGains => ({
  ...elementary(),
  name: 'predictive (Gustafsson)',
  predictive: true,
});
/** Gustafsson's proportional-integral controller (ACM TOMS 17, 1991), as Hairer and Wanner give it. */
export const gustafssonPI = gains('PI (Gustafsson)', [0.7, -0.4]);
/** What Hairer's code DOPRI5 does: β = 0.04, and 1/5 − 0.75 β for the latest error. */
export const hairerPI = gains('PI (Hairer)', [0.85, -0.2]);
/** Söderlind's PI.3.3, for non-stiff problems at the limit of stability. */
export const pi33 = gains('PI.3.3', [2 / 3, -1 / 3]);
/** Söderlind's PI.4.2, a good all-round choice. */
export const pi42 = gains('PI.4.2', [3 / 5, -1 / 5]);
/** H211PI: a first-order low-pass filter, for smooth sequences of steps. */
export const h211PI = gains('H211PI', [1 / 6, 1 / 6]);
/** H211b with b = 4: the same with a parameter. */
export const h211b = gains('H211b', [1 / 4, 1 / 4], [1 / 4]);
/** H312PID: a second-order low-pass filter. */
export const h312PID = gains('H312PID', [1 / 18, 1 / 9, 1 / 18]);
/** H312b with b = 8. */
export const h312b = gains('H312b', [1 / 8, 2 / 8, 1 / 8], [3 / 8, 1 / 8]);
/** H321: quick to follow, and smooth. */
export const h321 = gains('H321', [1 / 3, 1 / 18, -5 / 18], [-5 / 6, -1 / 6]);

/**
 * A proportional-integral-derivative controller in the terms of control theory, as `diffrax` states it: gains of the
 * error, of its sum and of its change.
 */
export function pidController({
  p = 0,
  i = 1,
  d = 0,
}: {
  p?: number;
  i?: number;
  d?: number;
} = {}): ControllerGains {
  return { kind: 'gains', name: `PID(${p}, ${i}, ${d})`, errors: [p + i + d, -p - 2 * d, d] };
}

/** The controller for a method whose error estimate has order `errorOrder`. */
export function controllerFor(
  { name, errors, ratios = [], predictive }: ControllerGains,
  errorOrder: number,
): StepController {
  const finite = [...errors, ...ratios].every(Number.isFinite);
  if (errors.length > 3 || ratios.length > 2 || !(errors[0] > 0) || !finite) {
    throw new ArgumentError({
      what: `controller ${name}: at most three gains of errors, the first positive, and two of ratios, all numbers`,
      got: `${shown(errors)} and ${shown(ratios)}`,
      remedy: 'For an integral controller pass pidController({ i: 1 })',
    });
  }
  const k = errorOrder + 1;
  const [latest, before = 0, older = 0] = errors;
  return {
    alpha: latest / k,
    beta: -before / k + 0,
    ...(older !== 0 && { gamma: older / k }),
    ...(ratios.length > 0 && { ratios }),
    ...(predictive && { predictive }),
    safety: 0.9,
    minFactor: 0.2,
    maxFactor: 10,
  };
}
