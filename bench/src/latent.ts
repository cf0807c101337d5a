/**
 * npm run bench -- latent [--iterations=20] [--warmup=10] [--seed=0]
 *
 * Trains a latent ODE on 100 spirals of 100 equally spaced times (dopri5, rtol 1e-5, atol 1e-6, float32, one thread) with
 * our compiled backends and both gradients, and with the Python peers in the same run. Writes bench/results/latent.json
 * and prints a table.
 */
import { trainLatent } from './latent/ours.ts';
import { latentProblem } from './latent/problem.ts';
import { runTrainingBench } from './training/bench.ts';
import { shown } from './training/result.ts';

await runTrainingBench({
  name: 'latent',
  defaults: { iterations: 20, warmup: 10 },
  backends: ['wasm', 'simd'],
  problem: latentProblem,
  train: trainLatent,
  columns: ({ loss, initialLoss }) => ({
    loss: shown(loss, 2),
    'first loss': shown(initialLoss, 3),
  }),
});
