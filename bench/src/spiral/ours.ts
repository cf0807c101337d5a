/** The spiral trained by neuralode on one backend with one gradient method. */
import { jit, valueAndGrad } from '@neuralode/autodiff';
import { rmsProp } from '@neuralode/nn';
import { dopri5, odeint } from '@neuralode/solvers';
import { type Backend, disposeTree, setBackend, type Tensor, tensor } from '@neuralode/tensor';
import { evaluationCounter, type Gradient, gradients, timeTraining } from '../training/measure.ts';
import type { TrainingResult } from '../training/result.ts';
import { batchTimes, type SpiralProblem } from './problem.ts';

interface Params {
  w1: Tensor;
  b1: Tensor;
  w2: Tensor;
  b2: Tensor;
}

/** Trains through all batches and times each iteration, the reading of the loss included. */
export async function trainSpiral(
  backend: Backend,
  name: string,
  gradient: Gradient,
  problem: SpiralProblem,
): Promise<TrainingResult> {
  await setBackend(backend);
  const float = { dtype: 'float32' } as const;
  const { nfe, onSolve } = evaluationCounter();
  const times = problem.times.slice(0, batchTimes);
  const field = (_: Tensor, y: Tensor, p: Params): Tensor =>
    y.mul(y).mul(y).matMul(p.w1).add(p.b1).tanh().matMul(p.w2).add(p.b2);
  const loss = (p: Params, y0: Tensor, target: Tensor): Tensor =>
    odeint(field, y0, times, {
      args: p,
      solver: dopri5(),
      rtol: 1e-7,
      atol: 1e-9,
      gradient: gradients[gradient](),
      onSolve,
    })
      .ys.sub(target)
      .abs()
      .mean();
  const optimiser = rmsProp({ learningRate: 1e-3 });
  const iterate = jit(
    (params: Params, state: ReturnType<typeof optimiser.init>, y0: Tensor, target: Tensor) => {
      const { value, grads } = valueAndGrad(loss)(params, y0, target);
      return { value, ...optimiser.update(grads, state, params) };
    },
  );

  let params: Params = {
    w1: tensor(problem.w1, float),
    b1: tensor(problem.b1, float),
    w2: tensor(problem.w2, float),
    b2: tensor(problem.b2, float),
  };
  let state = optimiser.init(params);
  const figures = await timeTraining(problem, nfe, async (i) => {
    const starts = problem.batches[i];
    const y0 = tensor(
      starts.map((s) => problem.trueY[s]),
      float,
    );
    const rows = Array.from({ length: batchTimes }, (_, k) =>
      starts.map((s) => problem.trueY[s + k]),
    );
    const target = tensor(rows, float);
    const next = await iterate(params, state, y0, target);
    const value = await next.value.item();
    disposeTree([params, state, y0, target, next.value]);
    ({ params, state } = next);
    return value;
  });
  disposeTree([params, state]);
  return { system: 'neuralode', backend: name, gradient, ...figures };
}
