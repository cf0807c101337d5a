/** The planar flow trained by neuralode on one backend with one gradient method. */
import { jit, valueAndGrad } from '@neuralode/autodiff';
import { cnf, gaussianBase, negativeLogLikelihood, type PlanarFieldParams } from '@neuralode/cnf';
import { adam } from '@neuralode/nn';
import { dopri5 } from '@neuralode/solvers';
import { type Backend, disposeTree, setBackend, type Tensor, tensor } from '@neuralode/tensor';
import { normOf } from '../training/gradient-norm.ts';
import { evaluationCounter, type Gradient, gradients, timeTraining } from '../training/measure.ts';
import type { ResultWithNorm } from '../training/result.ts';
import { type CnfProblem, field } from './problem.ts';

/** Times likelihood, gradient and update, the reading of the loss and of the gradient's norm included. */
export async function measureCnf(
  backend: Backend,
  name: string,
  gradient: Gradient,
  problem: CnfProblem,
): Promise<ResultWithNorm> {
  await setBackend(backend);
  const float = { dtype: 'float32' } as const;
  const { nfe, onSolve } = evaluationCounter();
  const flow = cnf({
    field,
    base: gaussianBase(2),
    span: [0, problem.end],
    solver: dopri5(),
    rtol: problem.tolerance,
    atol: problem.tolerance,
    gradient: gradients[gradient](),
    onSolve,
  });
  const optimiser = adam({ learningRate: problem.learningRate });
  let params: PlanarFieldParams = problem.layers.map(({ weight, bias }) => ({
    weight: tensor(weight, float),
    bias: tensor(bias, float),
  }));
  let state = optimiser.init(params);
  const x = tensor(problem.x, float);
  const run = jit((p: PlanarFieldParams, s: typeof state, points: Tensor) => {
    const { value, grads } = valueAndGrad((q: PlanarFieldParams) =>
      negativeLogLikelihood(flow, q, points),
    )(p);
    return { value, norm: normOf(grads), ...optimiser.update(grads, s, p) };
  });
  const norms: number[] = [];
  const figures = await timeTraining(problem, nfe, async () => {
    const next = await run(params, state, x);
    const loss = await next.value.item();
    norms.push(await next.norm.item());
    disposeTree([params, state, next.value, next.norm]);
    ({ params, state } = next);
    return loss;
  });
  disposeTree([params, state, x]);
  return {
    system: 'neuralode',
    backend: name,
    gradient,
    ...figures,
    initialGradientNorm: norms[0],
  };
}
