/**
 * What the Newton nodes of a step have in common: the Jacobian of the field at the start of the step, and how exactly
 * to solve.
 */
import { clean } from '@neuralode/autodiff';
import { type Graph, record, type Spec, type Tensor } from '@neuralode/tensor';
import type { Control } from '../control.ts';
import { tolerance } from '../step-arithmetic.ts';
import type { NewtonControl } from './convergence.ts';
import type { FlatField } from './flat-field.ts';
import { jacobianOf } from './jacobian.ts';

/**
 * With an error control, Newton's error is to be a small part κ of the step's (Hairer, Wanner II, section IV.8: between
 * 0.1 and 0.01); without one, iterate until nothing changes.
 */
export function newtonControl(
  control: Control,
  { dtype }: Spec,
  { part, maxIterations }: IterationLimits,
): NewtonControl {
  const rounding = dtype === 'float32' ? 2 ** -23 : 2 ** -52;
  if (control.kind === 'fixed') return { maxIterations: 50, tolerance: 4 * rounding, rounding };
  const { rtol } = control;
  const tolerance = Math.min(1, Math.max((10 * rounding) / rtol, part(rtol)));
  return { maxIterations, tolerance };
}

/** How exactly to solve, and with how much patience. */
export interface IterationLimits {
  /** κ. */
  readonly part: (rtol: number) => number;
  readonly maxIterations: number;
}

/** RADAU5's defaults: for all stages at once, and for the one value of a multistep method. */
export const usualLimits: IterationLimits = {
  part: (rtol) => Math.min(0.03, Math.sqrt(rtol)),
  maxIterations: 7,
};

/**
 * One stage after another. They start from poorer guesses than coupled ones, which a step extrapolates from the last:
 * within RADAU5's limits long steps fail for lack of iterations, again and again. Tighter with the tolerance, since there
 * are then more steps whose remainders add up.
 */
export const diagonalLimits: IterationLimits = {
  part: (rtol) => Math.min(0.02, rtol ** 0.25),
  maxIterations: 10,
};

/** The scale of each unknown: the tolerance, or the size of the state where there is none. */
export function newtonScale(control: Control, y: Tensor): Tensor {
  if (control.kind === 'adaptive') return tolerance(control, y.abs());
  // An unknown that is zero where all are: its first increment gives it a size.
  return y.abs().add(y.square().mean().sqrt()).add(1e-30);
}

/** Inputs: `specs`. Output: ∂f/∂y at those of them that `at` picks: t, the vector, args. */
export function recordJacobian(
  field: FlatField,
  specs: readonly Spec[],
  at: (inputs: readonly Tensor[]) => readonly Tensor[],
): Graph {
  const recording = record(specs, (...inputs) => jacobianOf(field.graph, at(inputs), 1));
  return clean(recording.graph);
}
