/**
 * npm run bench -- spiral [--iterations=60] [--warmup=10] [--seed=0]
 *
 * Trains the public spiral example (dopri5, rtol 1e-7, atol 1e-9, float32, one thread) with each of our backends and
 * both gradients, with the stock kernels of TensorFlow.js' WASM backend, and with the Python peers in the same run. Writes bench/results/spiral.json and prints a table.
 */
import { trainSpiral } from './spiral/ours.ts';
import { spiralProblem } from './spiral/problem.ts';
import { runTrainingBench } from './training/bench.ts';
import { shown } from './training/result.ts';

await runTrainingBench({
  name: 'spiral',
  defaults: { iterations: 60, warmup: 10 },
  backends: ['reference', 'tfjs', 'wasm', 'simd'],
  problem: spiralProblem,
  train: trainSpiral,
  columns: ({ loss, initialLoss }) => ({
    loss: shown(loss, 5),
    'first loss': shown(initialLoss, 6),
  }),
});
