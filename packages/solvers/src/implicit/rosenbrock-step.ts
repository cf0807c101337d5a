/**
 * The stages of a Rosenbrock method: one linear solve each, all with the matrix I/γ − h J (Hairer, Wanner II, section
 * IV.7). The Jacobian is part of the method here, so it is exact, new in every step, and differentiated with the rest.
 */
import { pushForward } from '@neuralode/autodiff';
import { inline, linearCombination, onesLike, record, type Tensor } from '@neuralode/tensor';
import type { Control } from '../control.ts';
import type { Tableau } from '../tableau.ts';
import type { FlatField } from './flat-field.ts';
import { identity, jacobianOf } from './jacobian.ts';
import { tightTolerance } from './krylov-solve.ts';
import { linearSolve } from './linear-solve.ts';
import type { RosenbrockScheme } from './scheme.ts';
import { newtonScale } from './newton-stage.ts';
import { shiftedSolver } from './shifted-jacobian.ts';
import type { StepInputs } from './step-inputs.ts';

/** ∂f/∂t; null for a field that does not read the time. */
function timeSlope(field: FlatField, inputs: readonly Tensor[]): Tensor | null {
  const along = inputs.map((input, i) => (i === 0 ? onesLike(input) : null));
  return pushForward(field.graph, inputs, along).tangents[0];
}

interface Stage {
  readonly time: Tensor;
  readonly point: Tensor;
  /** The k of the unknowns. */
  readonly slope: Tensor;
}

/**
 * The k of a leaf that the field does not read: its row of the system has only I/γ on the diagonal, so it follows from
 * the k of the unknowns, kᵢ = γ (f + Σ couplingᵢⱼ kⱼ + h ∂f/∂y kᵢ + timeWeightsᵢ h ∂f/∂t).
 */
function quadratures(
  field: FlatField,
  { gamma, coupling, timeWeights }: RosenbrockScheme,
  stages: readonly Stage[],
  { t, h, y, args }: StepInputs,
): Tensor[][] {
  if (!field.solved.includes(false)) return stages.map(() => []);
  const { scalar, vector } = field;
  const whole = record([scalar, vector, ...field.args], (time, point, ...constants) =>
    field.rates(time, point, constants),
  ).graph;
  const here = [t, field.pack(y), ...args];
  const found: Tensor[][] = [];
  stages.forEach(({ time, point, slope }, i) => {
    const along = [h.mul(timeWeights[i]), slope.mul(h), ...args.map(() => null)];
    const { tangents } = pushForward(whole, here, along);
    const rates = field.rates(time, point, args);
    found.push(
      rates.map((rate, l) => {
        const before = found.map((stage) => stage[l]);
        let side = i === 0 ? rate : rate.add(linearCombination(coupling[i], before));
        const tangent = tangents[l];
        if (tangent !== null) side = side.add(tangent);
        return side.mul(gamma);
      }),
    );
  });
  return found;
}

/** The solver of systems with I/γ − h J. By GMRES, to as many digits as there are: what is left is an error of the method. */
function stageSolver(
  field: FlatField,
  { gamma, linearSolver: gmres }: RosenbrockScheme,
  control: Control,
  inputs: StepInputs,
): { readonly solve: (side: Tensor) => Tensor; readonly jacobian?: Tensor } {
  const { t, h, y, args } = inputs;
  const flat = field.pack(y);
  if (gmres !== undefined) {
    const tolerance = tightTolerance(field.vector);
    const system = { d: 1 / gamma, w: h, scale: newtonScale(control, flat), gmres, tolerance };
    return { solve: shiftedSolver(field, inputs, system) };
  }
  const jacobian = jacobianOf(field.graph, [t, flat, ...args], 1);
  const matrix = identity(field.size, flat)
    .mul(1 / gamma)
    .sub(jacobian.mul(h));
  return { solve: (side) => linearSolve(matrix, side), jacobian };
}

export interface RosenbrockStages {
  /** All stages, leaf by leaf. */
  readonly stages: Tensor[][];
  /** Absent where only its products were used. */
  readonly jacobian?: Tensor;
}

export function rosenbrockStages(
  field: FlatField,
  { a, c, implicit }: Tableau,
  control: Control,
  inputs: StepInputs,
): RosenbrockStages {
  const scheme = implicit as RosenbrockScheme;
  const { coupling, timeWeights } = scheme;
  const { t, h, y, args } = inputs;
  const flat = field.pack(y);
  const here = [t, flat, ...args];
  const { solve, jacobian } = stageSolver(field, scheme, control, inputs);
  const byTime = timeSlope(field, here);
  const slopes: Tensor[] = [];
  const stages: Stage[] = [];
  for (let i = 0; i < c.length; i++) {
    const time = c[i] === 0 ? t : t.add(h.mul(c[i]));
    const point = i === 0 ? flat : flat.add(linearCombination(a[i], slopes).mul(h));
    let [side] = inline(field.graph, [time, point, ...args]);
    if (i > 0) side = side.add(linearCombination(coupling[i], slopes));
    if (byTime !== null) side = side.add(byTime.mul(h.mul(timeWeights[i])));
    slopes.push(solve(side));
    stages.push({ time, point, slope: slopes[i] });
  }
  const rest = quadratures(field, scheme, stages, inputs);
  const unpacked = slopes.map((slope, i) => field.unpack(slope, rest[i]));
  return { stages: unpacked, ...(jacobian !== undefined && { jacobian }) };
}
