/**
 * npm run bench -- memory [--most=10000]
 *
 * Peak bytes of a forward and a backward pass against the number of solver steps, for each gradient method, on the
 * reference backend in float64 (whose buffers are counted exactly; kernels elsewhere use as much or more); beside it the
 * same of torchdiffeq, by what autograd saves. Writes bench/results/memory.json, an array of
 * { system, method, steps, peakBytes }, and docs/results/memory.svg, and prints a table.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { backsolve, checkpointed, direct } from '@neuralode/adjoint';
import { grad, jit } from '@neuralode/autodiff';
import { reference } from '@neuralode/backend-reference';
import { type GradientMethod, odeint, rk4 } from '@neuralode/solvers';
import { type MemoryRow, plotMemory } from './memory/plot.ts';
import { runPeer } from './peers/python.ts';
import { disposeTree, random, setBackend, type Tensor } from '@neuralode/tensor';

const { values } = parseArgs({ options: { most: { type: 'string', default: '10000' } } });

interface Params {
  w1: Tensor;
  w2: Tensor;
}

/** Peak bytes above what was live before, of one gradient of a tanh network over `steps` steps of rk4. */
async function peakBytes(gradient: GradientMethod, steps: number): Promise<number> {
  const backend = await setBackend(reference());
  const rng = random(0);
  const params = { w1: rng.normal([4, 32], 0, 0.3), w2: rng.normal([32, 4], 0, 0.3) };
  const y0 = rng.normal([64, 4]);
  const field = (_: Tensor, y: Tensor, p: Params): Tensor => y.matMul(p.w1).tanh().matMul(p.w2);
  const loss = (args: Params, start: Tensor): Tensor =>
    odeint(field, start, [0, 1], { args, solver: rk4(), stepSize: 1 / steps, gradient })
      .ys.at(-1)
      .square()
      .mean();
  const step = jit(grad(loss));
  disposeTree(await step(params, y0)); // recorded and planned
  const before = backend.memory().liveBytes;
  backend.resetPeak();
  disposeTree(await step(params, y0));
  return backend.memory().peakBytes - before;
}

const counts: number[] = [];
for (let steps = 10; steps <= Number(values.most); steps *= 10) counts.push(steps);

const results: MemoryRow[] = [];
for (const gradient of [direct(), checkpointed(), backsolve()]) {
  for (const steps of counts) {
    const bytes = await peakBytes(gradient, steps);
    results.push({ system: 'neuralode', method: gradient.name, steps, peakBytes: bytes });
  }
}
results.push(...(await runPeer<MemoryRow>('memory_torchdiffeq.py', counts.map(String))));
const pages = fileURLToPath(new URL('../../docs/results/', import.meta.url));
const folder = fileURLToPath(new URL('../results/', import.meta.url));
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'memory.json'), `${JSON.stringify(results, null, 2)}\n`);
writeFileSync(join(pages, 'memory.svg'), plotMemory(results));
console.table(results);
process.stderr.write('written: bench/results/memory.json, docs/results/memory.svg\n');
