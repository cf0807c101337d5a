/**
 * From a user's options to a step control: defaults, and one sentence where an option does not fit the method.
 */
import { ArgumentError } from '@neuralode/tensor';
import { type AdaptiveControl, type Control, integralController } from './control.ts';
import type { Solver } from './tableau.ts';

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

/** The control that `options` ask of `solver`; an ArgumentError, in the name of `who`, where they do not fit it. */
export function controlOf(
  solver: Solver,
  options: Record<string, unknown>,
  who = 'odeint',
): Control {
  const { name } = solver.tableau;
  const maxSteps = (options.maxSteps as number | undefined) ?? 100_000;
  requirePositive(maxSteps, 'maxSteps', who, 'Leave it out for 100,000');
  if (solver.kind === 'fixed') {
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
    requirePositive(
      options.stepSize as number,
      'stepSize',
      who,
      'The direction follows from the times',
    );
    return { kind: 'fixed', stepSize: options.stepSize as number, maxSteps };
  }
  if (options.stepSize !== undefined) {
    throw new ArgumentError({
      what: `${who}: ${name} chooses its own steps and has no use for stepSize`,
      remedy: 'Pass rtol and atol (and firstStep or maxStep), or a fixed-step solver such as rk4()',
    });
  }
  const {
    rtol = 1e-6,
    atol = 1e-8,
    firstStep,
    maxStep,
    controller,
  } = options as Partial<Omit<AdaptiveControl, 'kind'>>;
  requireTolerance(rtol, 'rtol', who, 'For a purely absolute tolerance pass a tiny rtol');
  requireTolerance(atol, 'atol', who, 'For a purely relative tolerance pass a tiny atol');
  if (firstStep !== undefined)
    requirePositive(firstStep, 'firstStep', who, 'The direction follows from the times');
  if (maxStep !== undefined)
    requirePositive(maxStep, 'maxStep', who, 'The direction follows from the times');
  return {
    kind: 'adaptive',
    rtol,
    atol,
    controller: controller ?? integralController(solver.tableau.errorOrder as number),
    maxSteps,
    ...(firstStep !== undefined && { firstStep }),
    ...(maxStep !== undefined && { maxStep }),
  };
}
