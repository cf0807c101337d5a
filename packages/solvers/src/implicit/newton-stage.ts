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
 * With an error control, Newton's error is to be a small part of the step's (RADAU5's default; Hairer, Wanner II, section
 * IV.8: κ between 0.1 and 0.01); without one, iterate until nothing changes.
 */
export function newtonControl(control: Control, { dtype }: Spec): NewtonControl {
  const rounding = dtype === 'float32' ? 2 ** -23 : 2 ** -52;
  if (control.kind === 'fixed') return { maxIterations: 50, tolerance: 4 * rounding, rounding };
  const { rtol } = control;
  const part = Math.max((10 * rounding) / rtol, Math.min(0.03, Math.sqrt(rtol)));
  return { maxIterations: 7, tolerance: Math.min(1, part) };
}

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
