/** The latent ODE trained by neuralode on one backend with one gradient method. */
import { jit, valueAndGrad } from '@neuralode/autodiff';
import { adam } from '@neuralode/nn';
import { dopri5, odeint, type SolveStats } from '@neuralode/solvers';
import {
  type Backend,
  disposeTree,
  elu,
  scan,
  setBackend,
  type Tensor,
  tensor,
  zeros,
} from '@neuralode/tensor';
import { evaluationCounter, type Gradient, gradients, timeTraining } from '../training/measure.ts';
import type { TrainingResult } from '../training/result.ts';
import { hidden, type LatentProblem, latent, observed } from './problem.ts';

interface Layer {
  weight: Tensor;
  bias: Tensor;
}

const apply = ({ weight, bias }: Layer, x: Tensor): Tensor => x.matMul(weight).add(bias);

/** Mean and log variance of the latent state [batch, 4] each, of series [time, batch, 2] read from their ends. */
function encode(cell: Layer, readout: Layer, series: Tensor): [Tensor, Tensor] {
  const [fromInput, fromState] = [
    cell.weight.slice([0, 0], [observed, hidden]),
    cell.weight.slice([observed, 0], [hidden, hidden]),
  ];
  const start = zeros([series.shape[1], hidden], { dtype: 'float32' });
  const step = (h: Tensor, x: Tensor): [Tensor, null] => [
    x.matMul(fromInput).add(h.matMul(fromState)).add(cell.bias).tanh(),
    null,
  ];
  const [last] = scan(step, start, series, { reverse: true });
  const both = apply(readout, last);
  return [both.slice([0, 0], [-1, latent]), both.slice([0, latent])];
}

function lossOf(problem: LatentProblem, gradient: Gradient, onSolve: (stats: SolveStats) => void) {
  const { times, rtol, atol, noiseDeviation } = problem;
  const field = (_: Tensor, z: Tensor, [first, second, third]: readonly Layer[]): Tensor =>
    apply(third, elu(apply(second, elu(apply(first, z)))));
  return (layers: readonly Layer[], series: Tensor, noise: Tensor): Tensor => {
    const [cell, readout, ...others] = layers;
    const [mean, logVariance] = encode(cell, readout, series);
    const z0 = mean.add(logVariance.mul(0.5).exp().mul(noise));
    const { ys } = odeint(field, z0, times, {
      args: others.slice(0, 3),
      solver: dopri5(),
      rtol,
      atol,
      gradient: gradients[gradient](),
      onSolve,
    });
    const decoded = apply(others[4], apply(others[3], ys).relu());
    const count = series.shape[1];
    const misfit = series
      .sub(decoded)
      .square()
      .sum()
      .mul(0.5 / (noiseDeviation ** 2 * count));
    const constant =
      times.length * observed * (Math.log(noiseDeviation) + 0.5 * Math.log(2 * Math.PI));
    const divergence = mean.square().add(logVariance.exp()).sub(logVariance).sub(1).sum();
    return misfit.add(constant).add(divergence.mul(0.5 / count));
  };
}

/** Trains with all draws of noise and times each iteration, the reading of the loss included. */
export async function trainLatent(
  backend: Backend,
  name: string,
  gradient: Gradient,
  problem: LatentProblem,
): Promise<TrainingResult> {
  await setBackend(backend);
  const float = { dtype: 'float32' } as const;
  const { nfe, onSolve } = evaluationCounter();
  const loss = lossOf(problem, gradient, onSolve);
  const optimiser = adam({ learningRate: problem.learningRate });
  const iterate = jit(
    (
      layers: readonly Layer[],
      state: ReturnType<typeof optimiser.init>,
      all: Tensor,
      draw: Tensor,
    ) => {
      const { value, grads } = valueAndGrad(loss)(layers, all, draw);
      return { value, ...optimiser.update(grads, state, layers) };
    },
  );
  const series = tensor(problem.series, float);
  let params: readonly Layer[] = problem.layers.map(({ weight, bias }) => ({
    weight: tensor(weight, float),
    bias: tensor(bias, float),
  }));
  let state = optimiser.init(params);
  const figures = await timeTraining(problem, nfe, async (i) => {
    const noise = tensor(problem.batches[i], float);
    const next = await iterate(params, state, series, noise);
    const value = await next.value.item();
    disposeTree([params, state, noise, next.value]);
    ({ params, state } = next);
    return value;
  });
  disposeTree([params, state, series]);
  return { system: 'neuralode', backend: name, gradient, ...figures };
}
