/**
 * Systems with d I − w J(t, y), J the Jacobian of the field, by GMRES with its products: what a step solves outside of
 * Newton's iteration.
 */
import { clean } from '@neuralode/autodiff';
import { inline, record, type Tensor } from '@neuralode/tensor';
import type { FlatField } from './flat-field.ts';
import type { Gmres } from './gmres.ts';
import { type KrylovAttrs, krylovSolve, mapsOf } from './krylov-solve.ts';
import type { StepInputs } from './step-inputs.ts';

/** The maps v ↦ d v − w J(t, y) v and its transpose. Inputs: v, y, t, w, args. */
function mapsAt(
  { scalar, vector, args, graph }: FlatField,
  d: number,
): Pick<KrylovAttrs, 'product' | 'transposed'> {
  // Their Jacobian by y is the one wanted.
  const recording = record([vector, scalar, scalar, ...args], (y, t, w, ...rest) =>
    y.mul(d).sub(inline(graph, [t, y, ...rest])[0].mul(w)),
  );
  return mapsOf(clean(recording.graph));
}

/** The solver of systems (d I − w J(t, y)) x = b, for several b in one step; `scale` of the unknowns. */
export function shiftedSolver(
  field: FlatField,
  { t, y, args, work }: StepInputs,
  {
    d,
    w,
    scale,
    gmres,
    tolerance,
  }: {
    readonly d: number;
    readonly w: Tensor;
    readonly scale: Tensor;
    readonly gmres: Gmres;
    /** How small the residual is to be beside b. */
    readonly tolerance: number;
  },
): (b: Tensor) => Tensor {
  const attrs = { ...mapsAt(field, d), gmres, tolerance, weight: 1 };
  const q = [field.pack(y), t, w, ...args];
  return (b) => krylovSolve({ b, scale, q, work }, attrs);
}
