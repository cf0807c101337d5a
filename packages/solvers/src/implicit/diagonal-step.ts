/**
 * The stages of a diagonally implicit method, one after another: zᵢ = h γ f(t + cᵢ h, base + zᵢ) with base = y +
 * h Σ_{j<i} aᵢⱼ kⱼ, and kᵢ = zᵢ/(h γ), which does not amplify what is left of the iteration's error as evaluating f would
 * (Hairer, Wanner II, section IV.8). All of them share one matrix, I − h γ J, unless GMRES
 * solves with their own.
 */
import { clean } from '@neuralode/autodiff';
import {
  apply,
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
import { identity } from './jacobian.ts';
import { lagrangeWeights } from './lagrange.ts';
import type { DenseSystem } from './linearisation.ts';
import { diagonalLimits, newtonControl, newtonScale, recordJacobian } from './newton-stage.ts';
import { type NewtonAttrs, newtonSolvePrimitive } from './newton-solve.ts';
import type { DiagonalScheme } from './scheme.ts';
import type { StepInputs } from './step-inputs.ts';

/** Of a stage: its time, h, base; then what the Jacobian is a function of: t, the state, args. */
const paramsOf = ({ scalar, vector, args }: FlatField): Spec[] => [
  ...[scalar, scalar, vector],
  ...[scalar, vector, ...args],
];

function stageResidual(field: FlatField, gamma: number): Graph {
  const specs = [field.vector, ...paramsOf(field)];
  const recording = record(specs, (z, time, h, base, _t, _y, ...constants) => {
    const [rate] = inline(field.graph, [time, base.add(z), ...constants]);
    return z.sub(rate.mul(h.mul(gamma)));
  });
  return clean(recording.graph);
}

function denseSystem(field: FlatField, gamma: number): DenseSystem {
  const { vector, size } = field;
  const params = paramsOf(field);
  const square = { shape: [size, size], dtype: vector.dtype };
  const matrix = record([square, ...params], (jacobian, _time, h) =>
    identity(size, vector).sub(jacobian.mul(h.mul(gamma))),
  );
  return {
    jacobian: recordJacobian(field, params, (inputs) => inputs.slice(3)),
    matrix: clean(matrix.graph),
  };
}

/** How to guess the stage at `node` from those at `known`: by the parabola through the three nearest of them. */
function guessWeights(known: readonly number[], node: number): number[] {
  const distance = (i: number): number => Math.abs(known[i] - node);
  // Of two stages at one node the later one is the better.
  const distinct = known.map((_, i) => i).filter((i) => known.lastIndexOf(known[i]) === i);
  const nearest = distinct.sort((i, j) => distance(i) - distance(j)).slice(0, 3);
  const weights = lagrangeWeights(
    nearest.map((i) => known[i]),
    node,
  );
  return known.map((_, i) => (nearest.includes(i) ? weights[nearest.indexOf(i)] : 0));
}

export interface DiagonalStages {
  /** All stages, leaf by leaf. */
  readonly stages: Tensor[][];
  /** The Jacobian that the last iteration used, a constant; absent where it used products. */
  readonly jacobian?: Tensor;
}

export function diagonalStages(
  field: FlatField,
  tableau: Tableau,
  control: Control,
  { t, h, y, given, args, work }: StepInputs,
): DiagonalStages {
  const { gamma, linearSolver } = tableau.implicit as DiagonalScheme;
  const attrs: NewtonAttrs = {
    ...(linearSolver === undefined ? denseSystem(field, gamma) : { krylov: linearSolver }),
    residual: stageResidual(field, gamma),
    control: newtonControl(control, field.vector, diagonalLimits),
    evaluations: 1,
    shared: true,
  };
  const flat = field.pack(y);
  const scale = newtonScale(control, flat);
  const stages = given === undefined ? [] : [given];
  const slopes = stages.map((stage) => field.pack(stage));
  let jacobian: Tensor | undefined;
  for (let i = stages.length; i < tableau.c.length; i++) {
    const row = tableau.a[i];
    const time = tableau.c[i] === 0 ? t : t.add(h.mul(tableau.c[i]));
    const base = i === 0 ? flat : flat.add(linearCombination(row.slice(0, i), slopes).mul(h));
    if ((row[i] ?? 0) === 0) {
      stages.push(field.rates(time, base, args));
      slopes.push(field.pack(stages[i]));
      continue;
    }
    const step = h.mul(gamma);
    const start =
      i === 0
        ? flat.mul(0)
        : linearCombination(guessWeights(tableau.c.slice(0, i), tableau.c[i]), slopes).mul(step);
    const inputs = [start, scale, time, h, base, t, flat, ...args, work];
    const [z, used] = apply(newtonSolvePrimitive, inputs, attrs);
    jacobian = used;
    slopes.push(z.div(step));
    stages.push(field.unpack(slopes[i], field.rates(time, base.add(z), args)));
  }
  return jacobian === undefined ? { stages } : { stages, jacobian };
}
