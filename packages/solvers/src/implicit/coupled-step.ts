/**
 * The stages of a fully implicit method, all at once: zᵢ = h Σⱼ aᵢⱼ f(t + cⱼ h, y + zⱼ), and h k = A⁻¹ z (Hairer, Wanner II,
 * section IV.8). The matrix is I − h A ⊗ J, factorised as it stands;
 * or only multiplied with, where GMRES solves.
 */
import { clean } from '@neuralode/autodiff';
import {
  apply,
  concat,
  type Graph,
  inline,
  linearCombination,
  record,
  type Spec,
  type Tensor,
} from '@neuralode/tensor';
import type { Control } from '../control.ts';
import type { Tableau } from '../tableau.ts';
import type { FlatField } from './flat-field.ts';
import { identity, jacobianOf } from './jacobian.ts';
import { linearSolve } from './linear-solve.ts';
import type { Gmres } from './gmres.ts';
import { factorise, solveLu } from './lu.ts';
import { usualLimits, newtonControl, newtonScale, recordJacobian } from './newton-stage.ts';
import { type NewtonAttrs, newtonSolvePrimitive } from './newton-solve.ts';
import type { CoupledScheme } from './scheme.ts';
import { shiftedSolver } from './shifted-jacobian.ts';
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

/** What the graphs of a step are functions of, beside the unknowns: t, h, y, args. */
const paramsOf = ({ scalar, vector, args }: FlatField): Spec[] => [scalar, scalar, vector, ...args];

/** The unknowns z of all stages, one after another. */
const unknownsOf = ({ size, vector }: FlatField, { c }: Tableau): Spec => ({
  shape: [c.length * size],
  dtype: vector.dtype,
});

/** Times and points of the stages. */
function stagePoints(
  { size }: FlatField,
  { c }: Tableau,
  [z, t, h, y]: readonly Tensor[],
): [Tensor, Tensor][] {
  return c.map((node, i) => [t.add(h.mul(node)), y.add(z.slice([i * size], [size]))]);
}

function coupledResidual(field: FlatField, tableau: Tableau): Graph {
  const specs = [unknownsOf(field, tableau), ...paramsOf(field)];
  const recording = record(specs, (z, t, h, y, ...constants) => {
    const rates = stagePoints(field, tableau, [z, t, h, y]).map(
      ([time, point]) => inline(field.graph, [time, point, ...constants])[0],
    );
    return z.sub(concat(tableau.a.map((row) => linearCombination(row, rates))).mul(h));
  });
  return clean(recording.graph);
}

function denseSystem(field: FlatField, tableau: Tableau) {
  const { a, c } = tableau;
  const { size, vector } = field;
  const params = paramsOf(field);
  const square = { shape: [size, size], dtype: vector.dtype };
  const slope = record([unknownsOf(field, tableau), ...params], (z, t, h, y, ...constants) => {
    const jacobians = stagePoints(field, tableau, [z, t, h, y]).map(([time, point]) =>
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
  return {
    slope: clean(slope.graph),
    matrix: clean(matrix.graph),
    jacobian: recordJacobian(field, params, ([t, _h, ...rest]) => [t, ...rest]),
  };
}

export interface CoupledStages {
  /** All stages, leaf by leaf. */
  readonly stages: Tensor[][];
  /** The Jacobian that the iteration used, a constant; absent where it used products. */
  readonly jacobian?: Tensor;
}

export function coupledStages(
  field: FlatField,
  tableau: Tableau,
  control: Control,
  { t, h, y, args, work }: StepInputs,
): CoupledStages {
  const { a, c } = tableau;
  const { size } = field;
  const { linearSolver } = tableau.implicit as CoupledScheme;
  const attrs: NewtonAttrs = {
    ...(linearSolver === undefined ? denseSystem(field, tableau) : { krylov: linearSolver }),
    residual: coupledResidual(field, tableau),
    control: newtonControl(control, field.vector, usualLimits),
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

/** An estimate need not be solved for more exactly than it estimates. */
const estimateTolerance = 0.05;

/** The error estimate of each leaf; see `CoupledScheme.startWeight`. */
export function filteredErrors(
  field: FlatField,
  { implicit }: Tableau,
  control: Control,
  inputs: StepInputs,
  jacobian: Tensor | undefined,
  /** h Σ errorᵢ kᵢ. */
  errors: readonly Tensor[],
): Tensor[] {
  const { t, h, y, args } = inputs;
  const { startWeight = 0, refined, linearSolver: gmres } = implicit as CoupledScheme;
  const weight = h.mul(startWeight);
  const flat = field.pack(y);
  const filtered = (b: Tensor): Tensor => {
    if (jacobian !== undefined) {
      return linearSolve(identity(field.size, h).sub(jacobian.mul(weight)), b);
    }
    const system = { d: 1, w: weight, scale: newtonScale(control, flat), gmres: gmres as Gmres };
    return shiftedSolver(field, inputs, { ...system, tolerance: estimateTolerance })(b);
  };
  const estimateFrom = (point: Tensor): Tensor[] => {
    const start = field.rates(t, point, args);
    const raw = errors.map((error, l) => error.add(start[l].mul(weight)));
    return field.unpack(filtered(field.pack(raw)), raw);
  };
  const estimate = estimateFrom(flat);
  return refined === true ? estimateFrom(flat.add(field.pack(estimate))) : estimate;
}
