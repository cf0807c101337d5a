/**
 * One step of an implicit method as a graph, with the inputs and outputs of an explicit one; only a `NewtonWork` comes as
 * the last input.
 */
import { clean } from '@neuralode/autodiff';
import { type Graph, record, stack, type Tensor } from '@neuralode/tensor';
import type { Control } from '../control.ts';
import type { OdeSolveAttrs } from '../solve-attrs.ts';
import { combine, sizeOfStepErrors, taker } from '../step-arithmetic.ts';
import { coupledStages, filteredErrors } from './coupled-step.ts';
import { diagonalStages } from './diagonal-step.ts';
import { type FlatField, flatFieldOf } from './flat-field.ts';
import { rosenbrockStages } from './rosenbrock-step.ts';
import { spectralBound } from '../stiffness.ts';
import type { Tableau } from '../tableau.ts';
import type { StepInputs } from './step-inputs.ts';

interface Solved {
  readonly stages: Tensor[][];
  /** Of the field, as the step used it. Absent where it used products. */
  readonly jacobian?: Tensor;
  /** Makes of h Σ errorᵢ kᵢ the error estimate. */
  estimate(errors: readonly Tensor[]): readonly Tensor[];
}

function solveStages(
  tableau: Tableau,
  control: Control,
  field: FlatField,
  inputs: StepInputs,
): Solved {
  const plain = (errors: readonly Tensor[]): readonly Tensor[] => errors;
  const { implicit } = tableau;
  if (implicit?.kind === 'diagonal') {
    return { ...diagonalStages(field, tableau, control, inputs), estimate: plain };
  }
  if (implicit?.kind === 'rosenbrock') {
    return { ...rosenbrockStages(field, tableau, control, inputs), estimate: plain };
  }
  const { stages, jacobian } = coupledStages(field, tableau, control, inputs);
  return {
    stages,
    ...(jacobian !== undefined && { jacobian }),
    estimate: (errors) => filteredErrors(field, tableau, control, inputs, jacobian, errors),
  };
}

export function recordImplicitStep(
  tableau: Tableau,
  attrs: OdeSolveAttrs,
  measured: boolean,
): Graph {
  const { control, steered, body, leaves } = attrs;
  const field = flatFieldOf(attrs);
  const { scalar, state } = field;
  const specs = [
    ...[scalar, scalar, ...state],
    ...(tableau.fsal ? state : []),
    ...body.inputs.slice(1 + leaves),
    { shape: [], dtype: 'opaque' as const },
  ];
  const recording = record(specs, (...stand) => {
    const take = taker(stand);
    const [t, h] = take(2);
    const y = take(leaves);
    const given = tableau.fsal ? take(leaves) : undefined;
    const args = take(field.args.length);
    const [work] = take(1);
    const { stages, estimate, jacobian } = solveStages(tableau, control, field, {
      t,
      h,
      y,
      given,
      args,
      work,
    });
    const advance = (weights: readonly number[]): Tensor[] =>
      y.map((_, l) => combine(weights, stages, l).mul(h));
    const y1 = advance(tableau.b).map((change, l) => y[l].add(change));
    const fresh = tableau.fsal ? stages.slice(1) : stages;
    const outputs = [...y1, ...fresh.flat()];
    if (control.kind === 'fixed' || tableau.error === undefined) return outputs;
    const errors = estimate(advance(tableau.error));
    const error = sizeOfStepErrors(control, steered, y, y1, errors);
    if (!measured || jacobian === undefined) return [...outputs, error];
    return [...outputs, stack([error, spectralBound(jacobian).mul(h.abs())])];
  });
  return clean(recording.graph);
}
