/** The README's example, on the reference backend and shorter. */
import { reference } from '@neuralode/backend-reference';
import { latentOde, spiralBatch, spiralScale, spirals } from '@neuralode/latent-ode';
import { adam, train } from '@neuralode/nn';
import { evaluate, random, setBackend } from '@neuralode/tensor';
import { expect, it } from 'vitest';

it('runs as the README says', async () => {
  await setBackend(reference());
  const data = spirals({ seed: 0, points: 30, count: 20 });
  const scale = spiralScale(data);
  const model = latentOde({
    observed: 2,
    observationNoise: 0.3 / scale.scale,
    rtol: 1e-3,
    atol: 1e-4,
  });
  const { params } = await train({
    params: model.init(random(0)),
    optimiser: adam({ learningRate: 0.01 }),
    batch: (_, rng) => ({
      series: spiralBatch(data, rng.permutation(data.count).slice(0, 10), scale),
      noise: rng.normal([10, model.latent]),
    }),
    loss: (p, { series, noise }) => model.elbo(p, series, noise).elbo.mul(-0.01),
    iterations: 3,
  });
  const one = spiralBatch(data, [0], scale);
  const curve = await evaluate(() => model.reconstruct(params, one, [0, 0.5, 1, 1.5, 2]));
  expect(curve.shape).toEqual([1, 5, 2]);
});
