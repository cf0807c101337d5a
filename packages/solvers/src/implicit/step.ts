/**
 * One step of an implicit method as a graph, with the inputs and outputs of an explicit one; only a `NewtonWork` comes as
 * the last input.
 */
import { clean } from '@neuralode/autodiff';
import { type Graph, record, type Tensor } from '@neuralode/tensor';
import type { Control } from '../control.ts';
import type { OdeSolveAttrs } from '../solve-attrs.ts';
import { combine, sizeOfStepErrors, taker } from '../step-arithmetic.ts';
import { coupledStages, filteredErrors } from './coupled-step.ts';
import { diagonalStages } from './diagonal-step.ts';
import { type FlatField, flatFieldOf } from './flat-field.ts';
import { rosenbrockStages } from './rosenbrock-step.ts';
import type { Tableau } from '../tableau.ts';
import type { StepInputs } from './step-inputs.ts';

interface Solved {
  readonly stages: Tensor[][];
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
    return { stages: diagonalStages(field, tableau, control, inputs), estimate: plain };
  }
  if (implicit?.kind === 'rosenbrock') {
    return { stages: rosenbrockStages(field, tableau, inputs), estimate: plain };
  }
  const { stages, jacobian } = coupledStages(field, tableau, control, inputs);
  return {
    stages,
    estimate: (errors) => filteredErrors(field, tableau, inputs, jacobian, errors),
  };
}

export function recordImplicitStep(tableau: Tableau, attrs: OdeSolveAttrs): Graph {
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
    const { stages, estimate } = solveStages(tableau, control, field, {
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
    return [...outputs, sizeOfStepErrors(control, steered, y, y1, errors)];
  });
  return clean(recording.graph);
}
