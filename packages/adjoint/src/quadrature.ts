/**
 * What `backsolve()` of a batched solve integrates beside the state: gradients that all rows share, so that they have no
 * rows of their own (`OdeSolveAttrs.quadrature`); and the adjoint of a solve that has such an integral already, which
 * derivatives of the gradient need.
 *
 * With c the cotangents of the integrals Σᵣ ∫ qᵣ dt, every aᵀ∂f in the adjoint becomes aᵀ∂f + cᵀ∂q.
 */
import { clean, pullBack, sumOf } from '@neuralode/autodiff';
import type { OdeSolveAttrs } from '@neuralode/solvers';
import { type Graph, onesLike, record, type Tensor, zerosLike } from '@neuralode/tensor';

type MaybeTensor = Tensor | null;

/** cᵀ∂q by t, w, the state and args, as `needs` says; nulls where there is no integral. */
function pullIntegrals(
  { quadrature }: OdeSolveAttrs,
  inputs: readonly Tensor[],
  needs: readonly boolean[],
  c: readonly Tensor[],
): MaybeTensor[] {
  if (quadrature === undefined) return inputs.map(() => null);
  return pullBack(quadrature, inputs, needs).pullback(c);
}

/** cᵀ∂q/∂z, row by row. */
export function integralsByState(
  attrs: OdeSolveAttrs,
  t: Tensor,
  z: readonly Tensor[],
  args: readonly Tensor[],
  c: readonly Tensor[],
): MaybeTensor[] {
  const needs = [false, false, ...z.map(() => true), ...args.map(() => false)];
  const cotangents = pullIntegrals(attrs, [t, onesLike(t), ...z, ...args], needs, c);
  return cotangents.slice(2, 2 + z.length);
}

/**
 * The quadrature of the backward solve. Inputs: t, w, z, a, args, c. Outputs: −Σᵣ wᵣ (aᵣᵀ∂fᵣ + cᵀ∂qᵣ)/∂θ for the args
 * that `wanted` names. The product is linear in a: weighing its rows weighs the terms of the sum.
 */
export function parameterQuadrature(attrs: OdeSolveAttrs, wanted: readonly boolean[]): Graph {
  const { body, leaves, quadrature } = attrs;
  const [time, ...rest] = body.inputs;
  const [state, args] = [rest.slice(0, leaves), rest.slice(leaves)];
  const integrals = quadrature?.outputs ?? [];
  const operands = [time, time, ...state, ...state, ...args, ...integrals];
  const recording = record(operands, (t, w, ...stand) => {
    const take = (count: number): Tensor[] => stand.splice(0, count);
    const [z, a, constants] = [take(leaves), take(leaves), take(args.length)];
    const still = z.map(() => false);
    const { pullback } = pullBack(body, [t, ...z, ...constants], [false, ...still, ...wanted]);
    const weighed = a.map((leaf) =>
      leaf.mul(w.reshape(leaf.shape.map((extent, axis) => (axis === 0 ? extent : 1)))),
    );
    const fromField = pullback(weighed).slice(1 + leaves);
    const needs = [false, false, ...still, ...wanted];
    const fromIntegrals = pullIntegrals(attrs, [t, w, ...z, ...constants], needs, stand);
    return constants.flatMap((constant, i) => {
      if (!wanted[i]) return [];
      const total = sumOf([fromField[i], fromIntegrals[2 + leaves + i]]);
      return [total?.neg() ?? zerosLike(constant)];
    });
  });
  return clean(recording.graph);
}

/** Inputs: t, z, args, c. Output: cᵀq of each row, [B]: how fast the integrals grow with time. */
export function integralRate(attrs: OdeSolveAttrs): Graph {
  const { body, quadrature } = attrs;
  const count = body.inputs.length - 1;
  const recording = record([...body.inputs, ...(quadrature?.outputs ?? [])], (t, ...stand) => {
    const others = stand.slice(0, count);
    const needs = [false, true, ...others.map(() => false)];
    const inputs = [t, onesLike(t), ...others];
    return pullIntegrals(attrs, inputs, needs, stand.slice(count))[1] ?? zerosLike(t);
  });
  return clean(recording.graph);
}
