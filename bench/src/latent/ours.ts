/** The latent ODE trained by neuralode on one backend with one gradient method. */
import { backsolve, direct } from '@neuralode/adjoint';
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
import { hidden, type LatentProblem, latent, observed } from './problem.ts';

/** One row of bench/results/latent.json. */
export interface LatentResult {
  readonly system: string;
  readonly backend: string;
  readonly gradient: string;
  readonly msPerIteration: { readonly median: number; readonly min: number; readonly max: number };
  /** The first iteration, with all that is compiled or recorded only once. */
  readonly firstStepMs: number;
  /** Evaluations of the field an iteration, forwards; and backwards, where `direct` counts vector-Jacobian products. */
  readonly nfeForward: number | null;
  readonly nfeBackward: number | null;
  /** Of the last iteration. */
  readonly loss: number;
  /** Before any update: equal for all systems, or they do not train the same thing. */
  readonly initialLoss: number;
}

const gradients = { direct, backsolve };

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

function lossOf(
  problem: LatentProblem,
  gradient: keyof typeof gradients,
  onSolve: (stats: SolveStats) => void,
) {
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
  gradient: keyof typeof gradients,
  problem: LatentProblem,
): Promise<LatentResult> {
  await setBackend(backend);
  const float = { dtype: 'float32' } as const;
  const nfe = { forward: 0, backward: 0 };
  const loss = lossOf(problem, gradient, ({ pass, nfe: evaluations }) => {
    nfe[pass] += evaluations;
  });
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
  const milliseconds: number[] = [];
  const losses: number[] = [];
  for (const [i, draw] of problem.batches.entries()) {
    if (i === problem.warmup) nfe.forward = nfe.backward = 0;
    const start = performance.now();
    const noise = tensor(draw, float);
    const next = await iterate(params, state, series, noise);
    losses.push(await next.value.item());
    disposeTree([params, state, noise, next.value]);
    ({ params, state } = next);
    milliseconds.push(performance.now() - start);
  }
  disposeTree([params, state, series]);
  const measured = milliseconds.slice(problem.warmup).sort((a, b) => a - b);
  return {
    system: 'neuralode',
    backend: name,
    gradient,
    msPerIteration: {
      median: measured[measured.length >> 1],
      min: measured[0],
      max: measured[measured.length - 1],
    },
    firstStepMs: milliseconds[0],
    nfeForward: nfe.forward / problem.iterations,
    nfeBackward: nfe.backward / problem.iterations,
    loss: losses[losses.length - 1],
    initialLoss: losses[0],
  };
}
