/**
 * From a user's options to a step control: defaults, and one sentence where an option does not fit the method.
 */
import { ArgumentError } from '@neuralode/tensor';
import type { AdaptiveControl, Control, StepController } from './control.ts';
import {
  type ControllerGains,
  controllerFor,
  elementary,
  gustafssonPredictive,
} from './controllers.ts';
import type { ErrorNorm } from './norms.ts';
import type { Method } from './method.ts';
import { shown } from './call.ts';
import { methodOf } from './runge-kutta.ts';
import type { Solver } from './tableau.ts';

/** From JavaScript anything may come. */
function requirePositive(value: unknown, what: string, who: string, remedy: string): void {
  if (typeof value === 'number' && value > 0) return;
  throw new ArgumentError({
    what: `${who}: ${what} must be a positive number`,
    got: shown(value),
    remedy,
  });
}

function requireTolerance(value: unknown, what: string, who: string, remedy: string): void {
  requirePositive(value, what, who, remedy);
  if (Number.isFinite(value)) return;
  throw new ArgumentError({ what: `${who}: ${what} must be finite`, got: shown(value), remedy });
}

const adaptiveOnly = [
  'rtol',
  'atol',
  'firstStep',
  'minStep',
  'maxStep',
  'controller',
  'norm',
] as const;
const direction = 'The direction follows from the times';

const startingPoint = 'Pass such as pi42(), or start from integralController(errorOrder)';

function requireController(controller: StepController, who: string): void {
  if (typeof controller !== 'object' || controller === null) {
    throw new ArgumentError({
      what: `${who}: controller is not one`,
      got: shown(controller),
      remedy: startingPoint,
    });
  }
  const { alpha, beta, safety, minFactor, maxFactor } = controller;
  const shrinks = safety > 0 && safety <= 1 && minFactor > 0 && minFactor < 1;
  if (shrinks && alpha > 0 && Number.isFinite(beta) && maxFactor >= 1) return;
  throw new ArgumentError({
    what: `${who}: a controller without sense`,
    got: shown(controller),
    expected: 'alpha > 0, beta a number, 0 < safety ≤ 1, 0 < minFactor < 1 ≤ maxFactor',
    remedy: startingPoint,
  });
}

function requireNorm(norm: unknown, who: string): void {
  if ((norm as Partial<ErrorNorm> | null)?.kind === 'norm') return;
  throw new ArgumentError({
    what: `${who}: norm is not one`,
    got: shown(norm),
    remedy: 'Pass rmsNorm(), maxNorm(), perLeafNorm() or a function',
  });
}

/**
 * An ArgumentError where the relative tolerance is finer than the rounding of numbers of `dtype`, or the absolute one
 * less than its smallest normal number, which devices round to zero. Not stricter: an error estimate, a small difference of stages, is often met below what the state itself resolves, and torchdiffeq's defaults
 * (rtol 1e-7 in float32) are just above it.
 */
export function requireHeld(control: Control, dtype: string, who = 'odeint'): void {
  if (control.kind === 'fixed') return;
  const [finest, least] = dtype === 'float64' ? [2 ** -53, 2 ** -1022] : [2 ** -24, 2 ** -126];
  if (control.atol < least) {
    throw new ArgumentError({
      what: `${who}: atol is finer than ${dtype} can hold`,
      got: String(control.atol),
      expected: `at least ${least.toExponential(1)}`,
      remedy:
        'For a purely relative tolerance pass 1e-30, or an atol far below what the state comes to',
    });
  }
  if (control.rtol >= finest) return;
  throw new ArgumentError({
    what: `${who}: rtol is finer than ${dtype} can hold`,
    got: String(control.rtol),
    expected: `at least ${finest.toExponential(1)}`,
    remedy:
      dtype === 'float64'
        ? 'For a purely absolute tolerance pass 1e-15, which adds nothing to it'
        : 'Run in float64, or pass 1e-6; beside a purely absolute tolerance it adds little more than rounding',
  });
}

type Options = Record<string, unknown>;

function fixedControl(name: string, options: Options, maxSteps: number, who: string): Control {
  const misplaced = adaptiveOnly.find((option) => options[option] !== undefined);
  if (misplaced !== undefined) {
    throw new ArgumentError({
      what: `${who}: ${name} takes fixed steps and has no use for ${misplaced}`,
      remedy: 'Pass stepSize, or an adaptive solver such as dopri5()',
    });
  }
  if (options.stepSize === undefined) {
    throw new ArgumentError({
      what: `${who}: ${name} takes fixed steps and needs stepSize`,
      remedy: 'Pass { stepSize: … } in units of time, or an adaptive solver such as dopri5()',
    });
  }
  requirePositive(options.stepSize, 'stepSize', who, direction);
  if (options.stepSize === Number.POSITIVE_INFINITY) {
    throw new ArgumentError({
      what: `${who}: stepSize must be finite`,
      got: 'Infinity',
      remedy: 'For one step pass the whole span',
    });
  }
  return { kind: 'fixed', stepSize: options.stepSize as number, maxSteps };
}

/** A controller may be given as such, or by gains that fit any order. */
function controllerOf(
  given: unknown,
  errorOrder: number,
  byDefault: ControllerGains,
): StepController {
  if (given === undefined) return controllerFor(byDefault, errorOrder);
  const { kind } = Object(given) as Partial<ControllerGains>;
  return kind === 'gains'
    ? controllerFor(given as ControllerGains, errorOrder)
    : (given as StepController);
}

function adaptiveControl(
  { name, errorOrder, implicit, choosesLengths, controller: own }: Method,
  options: Options,
  maxSteps: number,
  who: string,
): Control {
  if (options.stepSize !== undefined) {
    throw new ArgumentError({
      what: `${who}: ${name} chooses its own steps and has no use for stepSize`,
      remedy: 'Pass rtol and atol (and firstStep or maxStep), or a fixed-step solver such as rk4()',
    });
  }
  if (errorOrder === undefined) {
    throw new ArgumentError({
      what: `${who}: ${name} has no error estimate to choose its steps by`,
      remedy: "Give its tableau error and errorOrder, or make it a solver of kind 'fixed'",
    });
  }
  if (choosesLengths === true && options.controller !== undefined) {
    throw new ArgumentError({
      what: `${who}: ${name} chooses order and step together and has no use for controller`,
      remedy: 'Leave it out, or pass a Runge-Kutta method such as dopri5()',
    });
  }
  const given = options as Partial<Omit<AdaptiveControl, 'kind'>>;
  const { rtol = 1e-6, atol = 1e-8, firstStep, minStep, maxStep, norm } = given;
  const usual = implicit ? gustafssonPredictive() : elementary();
  const controller = controllerOf(options.controller, errorOrder, own ?? usual);
  requireTolerance(
    rtol,
    'rtol',
    who,
    'For a purely absolute tolerance pass 1e-15, or 1e-6 in float32',
  );
  requireTolerance(atol, 'atol', who, 'For a purely relative tolerance pass a tiny atol');
  if (firstStep !== undefined) requirePositive(firstStep, 'firstStep', who, direction);
  if (maxStep !== undefined) requirePositive(maxStep, 'maxStep', who, direction);
  if (minStep !== undefined) requirePositive(minStep, 'minStep', who, direction);
  if (minStep !== undefined && maxStep !== undefined && minStep > maxStep) {
    throw new ArgumentError({
      what: `${who}: minStep is longer than maxStep`,
      got: `${minStep} and ${maxStep}`,
    });
  }
  requireController(controller, who);
  if (norm !== undefined) requireNorm(norm, who);
  return {
    kind: 'adaptive',
    rtol,
    atol,
    controller,
    maxSteps,
    ...(firstStep !== undefined && { firstStep }),
    ...(minStep !== undefined && { minStep }),
    ...(maxStep !== undefined && { maxStep }),
    ...(norm !== undefined && { norm }),
  };
}

/** The control that `options` ask of `solver`; an ArgumentError, in the name of `who`, where they do not fit it. */
export function controlOf(solver: Solver, options: Options, who = 'odeint'): Control {
  const method = methodOf(solver);
  const { maxSteps = 100_000 } = options as { maxSteps?: number };
  requirePositive(maxSteps, 'maxSteps', who, 'Leave it out for 100,000');
  return solver.kind === 'fixed'
    ? fixedControl(method.name, options, maxSteps, who)
    : adaptiveControl(method, options, maxSteps, who);
}
