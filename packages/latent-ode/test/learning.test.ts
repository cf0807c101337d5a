/** Training: the loss falls, and no buffer is left behind. */
import { reference } from '@neuralode/backend-reference';
import { adam, train } from '@neuralode/nn';
import { rk4 } from '@neuralode/solvers';
import { memory, random, setBackend, type Tensor } from '@neuralode/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  autoregressiveRnn,
  latentOde,
  type SeriesBatch,
  spiralBatch,
  spiralScale,
  spirals,
} from '../src/index.ts';

beforeAll(async () => {
  await setBackend(reference());
});

const data = spirals({ seed: 4, count: 12, times: 12, points: 8, resolution: 80 });
const scale = spiralScale(data);
const all = Array.from({ length: data.count }, (_, i) => i);

/** Trains on all series at once; the losses, and the live buffers after each iteration. */
async function follow<P>(
  params: P,
  loss: (p: P, batch: { series: SeriesBatch; noise: Tensor }) => Tensor,
) {
  const losses: number[] = [];
  const buffers: number[] = [];
  await train({
    params,
    optimiser: adam({ learningRate: 0.02 }),
    batch: (_iteration, rng) => ({
      series: spiralBatch(data, all, scale),
      noise: rng.normal([data.count, 3]),
    }),
    loss,
    iterations: 60,
    onIteration: (progress) => {
      losses.push(progress.loss);
      buffers.push(memory().liveBuffers);
    },
  });
  return { losses, buffers };
}

describe.each([
  [
    'the latent ODE',
    () => {
      const model = latentOde({
        observed: 2,
        latent: 3,
        encoderHidden: 8,
        observationNoise: 0.3,
        solver: rk4(),
        stepSize: 0.25,
      });
      const params = model.init(random(0));
      return follow(params, (p, { series, noise }) => model.elbo(p, series, noise).elbo.neg());
    },
  ],
  [
    'the autoregressive network',
    () => {
      const model = autoregressiveRnn({ observed: 2, hidden: 8 });
      const params = model.init(random(0));
      return follow(params, (p, { series }) => model.logLikelihood(p, series).neg());
    },
  ],
])('%s', (_, run) => {
  it('learns, and holds as many buffers after sixty updates as after the first', async () => {
    const { losses, buffers } = await run();
    expect(Math.min(...losses.slice(-5))).toBeLessThan(0.5 * losses[0]!);
    expect(buffers.at(-1)).toBe(buffers[0]);
  });
});
