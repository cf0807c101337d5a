/**
 * From a user's options to a step control: defaults, and one sentence where an option does not fit the method.
 */
import { ArgumentError } from '@neuralode/tensor';
import {
  type AdaptiveControl,
  type Control,
  integralController,
  type StepController,
} from './control.ts';
import type { Solver, Tableau } from './tableau.ts';

/** From JavaScript anything may come. */
function requirePositive(value: unknown, what: string, who: string, remedy: string): void {
  if (typeof value === 'number' && value > 0) return;
  const got = typeof value === 'string' ? `'${value}'` : String(value);
  throw new ArgumentError({ what: `${who}: ${what} must be a positive number`, got, remedy });
}

function requireTolerance(value: unknown, what: string, who: string, remedy: string): void {
  requirePositive(value, what, who, remedy);
  if (Number.isFinite(value)) return;
  throw new ArgumentError({ what: `${who}: ${what} must be finite`, got: String(value), remedy });
}

const adaptiveOnly = ['rtol', 'atol', 'firstStep', 'maxStep', 'controller'] as const;
const direction = 'The direction follows from the times';

function requireController(controller: StepController, who: string): void {
  const { alpha, beta, safety, minFactor, maxFactor } = controller;
  const shrinks = safety > 0 && safety <= 1 && minFactor > 0 && minFactor < 1;
  if (shrinks && alpha > 0 && beta >= 0 && maxFactor >= 1) return;
  throw new ArgumentError({
    what: `${who}: a controller without sense`,
    got: JSON.stringify(controller),
    expected: 'alpha > 0, beta ≥ 0, 0 < safety ≤ 1, 0 < minFactor < 1 ≤ maxFactor',
    remedy: 'Start from integralController(errorOrder)',
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
    throw new ArgumentError({ what: `${who}: ${name} takes fixed steps and needs stepSize` });
  }
  requirePositive(options.stepSize, 'stepSize', who, direction);
  return { kind: 'fixed', stepSize: options.stepSize as number, maxSteps };
}

function adaptiveControl(
  tableau: Tableau,
  options: Options,
  maxSteps: number,
  who: string,
): Control {
  const { name, error, errorOrder } = tableau;
  if (options.stepSize !== undefined) {
    throw new ArgumentError({
      what: `${who}: ${name} chooses its own steps and has no use for stepSize`,
      remedy: 'Pass rtol and atol (and firstStep or maxStep), or a fixed-step solver such as rk4()',
    });
  }
  if (error === undefined || errorOrder === undefined) {
    throw new ArgumentError({
      what: `${who}: ${name} has no error estimate to choose its steps by`,
      remedy: "Give its tableau error and errorOrder, or make it a solver of kind 'fixed'",
    });
  }
  const given = options as Partial<Omit<AdaptiveControl, 'kind'>>;
  const { rtol = 1e-6, atol = 1e-8, firstStep, maxStep } = given;
  const { controller = integralController(errorOrder) } = given;
  requireTolerance(rtol, 'rtol', who, 'For a purely absolute tolerance pass a tiny rtol');
  requireTolerance(atol, 'atol', who, 'For a purely relative tolerance pass a tiny atol');
  if (firstStep !== undefined) requirePositive(firstStep, 'firstStep', who, direction);
  if (maxStep !== undefined) requirePositive(maxStep, 'maxStep', who, direction);
  requireController(controller, who);
  return {
    kind: 'adaptive',
    rtol,
    atol,
    controller,
    maxSteps,
    ...(firstStep !== undefined && { firstStep }),
    ...(maxStep !== undefined && { maxStep }),
  };
}

/** The control that `options` ask of `solver`; an ArgumentError, in the name of `who`, where they do not fit it. */
export function controlOf({ kind, tableau }: Solver, options: Options, who = 'odeint'): Control {
  const { maxSteps = 100_000 } = options as { maxSteps?: number };
  requirePositive(maxSteps, 'maxSteps', who, 'Leave it out for 100,000');
  return kind === 'fixed'
    ? fixedControl(tableau.name, options, maxSteps, who)
    : adaptiveControl(tableau, options, maxSteps, who);
}
