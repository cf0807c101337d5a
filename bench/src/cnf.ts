/**
 * npm run bench -- cnf [--iterations=20] [--warmup=3] [--seed=0]
 *
 * The log-likelihood of a planar continuous flow, its gradient and an update by Adam (width 64, batch 512, t from 10 to
 * 0, dopri5 at 1e-5, float32, one thread, the trace in closed form) by each of our backends and both gradients, and by
 * the Python peers in the same run. Writes bench/results/cnf.json and prints a table.
 */
import { measureCnf } from './cnf/ours.ts';
import { cnfProblem } from './cnf/problem.ts';
import { runTrainingBench } from './training/bench.ts';
import { shown } from './training/result.ts';

await runTrainingBench({
  name: 'cnf',
  defaults: { iterations: 20, warmup: 3 },
  backends: ['reference', 'wasm', 'simd'],
  problem: cnfProblem,
  train: measureCnf,
  columns: ({ initialLoss, loss, initialGradientNorm }) => ({
    'first loss': shown(initialLoss, 5),
    loss: shown(loss, 5),
    '‖gradient‖': shown(initialGradientNorm, 5),
  }),
});
