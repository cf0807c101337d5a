/**
 * The stages of a fully implicit method, all at once: zᵢ = h Σⱼ aᵢⱼ f(t + cⱼ h, y + zⱼ), and h k = A⁻¹ z (Hairer, Wanner II,
 * section IV.8). The matrix is I − h A ⊗ J, factorised as it stands.
 */
import { clean } from '@neuralode/autodiff';
import {
  apply,
  concat,
  type Graph,
  inline,
  linearCombination,
  record,
  type Tensor,
} from '@neuralode/tensor';
import type { Control } from '../control.ts';
import type { Tableau } from '../tableau.ts';
import type { FlatField } from './flat-field.ts';
import { identity, jacobianOf } from './jacobian.ts';
import { linearSolve } from './linear-solve.ts';
import { factorise, solveLu } from './lu.ts';
import { coupledLimits, newtonControl, newtonScale, recordJacobian } from './newton-stage.ts';
import { type NewtonAttrs, newtonSolvePrimitive } from './newton-solve.ts';
import type { CoupledScheme } from './scheme.ts';
import type { StepInputs } from './step-inputs.ts';

type Rows = readonly (readonly number[])[];

/** A⁻¹, row by row. */
function inverse(a: Rows): number[][] {
  const lu = factorise(a.flat(), a.length);
  const columns = a.map((_, j) =>
    solveLu(
      lu,
      Float64Array.from(a, (_, i) => (i === j ? 1 : 0)),
    ),
  );
  return a.map((_, i) => columns.map((column) => column[i]));
}

/** I − h [aᵢⱼ Jⱼ]. */
function blockMatrix(a: Rows, jacobians: readonly Tensor[], h: Tensor): Tensor {
  const [size] = jacobians[0].shape;
  const moved = jacobians.map((jacobian) => jacobian.mul(h));
  const rows = a.map((row) =>
    concat(
      row.map((weight, j) => moved[j].mul(weight)),
      1,
    ),
  );
  return identity(a.length * size, h).sub(concat(rows, 0));
}

function coupledGraphs(field: FlatField, { a, c }: Tableau) {
  const { scalar, vector, args, size } = field;
  const stages = c.length;
  const params = [scalar, scalar, vector, ...args];
  const unknowns = { shape: [stages * size], dtype: vector.dtype };
  const square = { shape: [size, size], dtype: vector.dtype };
  const points = (z: Tensor, t: Tensor, h: Tensor, y: Tensor): [Tensor, Tensor][] =>
    c.map((node, i) => [t.add(h.mul(node)), y.add(z.slice([i * size], [size]))]);

  const residual = record([unknowns, ...params], (z, t, h, y, ...constants) => {
    const rates = points(z, t, h, y).map(
      ([time, point]) => inline(field.graph, [time, point, ...constants])[0],
    );
    return z.sub(concat(a.map((row) => linearCombination(row, rates))).mul(h));
  });
  const slope = record([unknowns, ...params], (z, t, h, y, ...constants) => {
    const jacobians = points(z, t, h, y).map(([time, point]) =>
      jacobianOf(field.graph, [time, point, ...constants], 1),
    );
    return blockMatrix(a, jacobians, h);
  });
  const matrix = record([square, ...params], (jacobian, _t, h) =>
    blockMatrix(
      a,
      c.map(() => jacobian),
      h,
    ),
  );
  const graph = (recording: { graph: Graph }): Graph => clean(recording.graph);
  return {
    residual: graph(residual),
    slope: graph(slope),
    matrix: graph(matrix),
    jacobian: recordJacobian(field, params, ([t, _h, ...rest]) => [t, ...rest]),
  };
}

export interface CoupledStages {
  /** All stages, leaf by leaf. */
  readonly stages: Tensor[][];
  /** The Jacobian that the iteration used, a constant. */
  readonly jacobian: Tensor;
}

export function coupledStages(
  field: FlatField,
  tableau: Tableau,
  control: Control,
  { t, h, y, args, work }: StepInputs,
): CoupledStages {
  const { a, c } = tableau;
  const { size } = field;
  const attrs: NewtonAttrs = {
    ...coupledGraphs(field, tableau),
    control: newtonControl(control, field.vector, coupledLimits),
    evaluations: c.length,
    nodes: c,
    shared: true,
  };
  const flat = field.pack(y);
  const scale = newtonScale(control, flat);
  const tile = (vector: Tensor): Tensor => concat(c.map(() => vector));
  const inputs = [tile(flat.mul(0)), tile(scale), t, h, flat, ...args, work];
  const [z, jacobian] = apply(newtonSolvePrimitive, inputs, attrs);
  const parts = c.map((_, i) => z.slice([i * size], [size]));
  const stages = inverse(a).map((row, i) => {
    const slope = linearCombination(row, parts).div(h);
    return field.unpack(slope, field.rates(t.add(h.mul(c[i])), flat.add(parts[i]), args));
  });
  return { stages, jacobian };
}

/** The error estimate of each leaf; see `CoupledScheme.startWeight`. */
export function filteredErrors(
  field: FlatField,
  { implicit }: Tableau,
  { t, h, y, args }: StepInputs,
  jacobian: Tensor,
  /** h Σ errorᵢ kᵢ. */
  errors: readonly Tensor[],
): Tensor[] {
  const weight = h.mul((implicit as CoupledScheme).startWeight as number);
  const start = field.rates(t, field.pack(y), args);
  const raw = errors.map((error, l) => error.add(start[l].mul(weight)));
  const filter = identity(field.size, h).sub(jacobian.mul(weight));
  return field.unpack(linearSolve(filter, field.pack(raw)), raw);
}
