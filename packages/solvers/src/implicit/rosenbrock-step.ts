/**
 * The stages of a Rosenbrock method: one linear solve each, all with the matrix I/γ − h J (Hairer, Wanner II, section
 * IV.7). The Jacobian is part of the method here, so it is exact, new in every step, and differentiated with the rest.
 */
import { pushForward } from '@neuralode/autodiff';
import { inline, linearCombination, onesLike, type Tensor } from '@neuralode/tensor';
import type { Tableau } from '../tableau.ts';
import type { FlatField } from './flat-field.ts';
import { identity, jacobianOf } from './jacobian.ts';
import { linearSolve } from './linear-solve.ts';
import type { RosenbrockScheme } from './scheme.ts';
import type { StepInputs } from './step-inputs.ts';

/** ∂f/∂t; null for a field that does not read the time. */
function timeSlope(field: FlatField, inputs: readonly Tensor[]): Tensor | null {
  const along = inputs.map((input, i) => (i === 0 ? onesLike(input) : null));
  return pushForward(field.graph, inputs, along).tangents[0];
}

/** All stages, leaf by leaf. */
export function rosenbrockStages(
  field: FlatField,
  { a, c, implicit }: Tableau,
  { t, h, y, args }: StepInputs,
): Tensor[][] {
  const { gamma, coupling, timeWeights } = implicit as RosenbrockScheme;
  const flat = field.pack(y);
  const here = [t, flat, ...args];
  const jacobian = jacobianOf(field.graph, here, 1);
  const matrix = identity(field.size, flat)
    .mul(1 / gamma)
    .sub(jacobian.mul(h));
  const byTime = timeSlope(field, here);
  const slopes: Tensor[] = [];
  for (let i = 0; i < c.length; i++) {
    const time = c[i] === 0 ? t : t.add(h.mul(c[i]));
    const point = i === 0 ? flat : flat.add(linearCombination(a[i], slopes).mul(h));
    let [side] = inline(field.graph, [time, point, ...args]);
    if (i > 0) side = side.add(linearCombination(coupling[i], slopes));
    if (byTime !== null) side = side.add(byTime.mul(h.mul(timeWeights[i])));
    slopes.push(linearSolve(matrix, side));
  }
  return slopes.map((slope) => field.unpack(slope, []));
}
