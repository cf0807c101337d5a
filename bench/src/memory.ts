/**
 * npm run bench -- memory [--most=10000] [--only=reversible,forward]
 *
 * Peak bytes of a forward and a backward pass against the number of solver steps, for each gradient method, on the
 * reference backend in float64 (whose buffers are counted exactly; kernels elsewhere use as much or more); beside it the
 * same of torchdiffeq, by what autograd saves. All by rk4, but `reversible`, which undoes its own solver's steps: alf; and
 * `forward` by one input only, a gain of the field, since its memory is that of the inputs. With `--only`, the other rows
 * are those of the last run. Writes bench/results/memory.json, an array of
 * { system, method, steps, peakBytes }, and docs/results/memory.svg, and prints a table.
 */
import { parseArgs } from 'node:util';
import {
  backsolve,
  checkpointed,
  direct,
  forward,
  interpolated,
  reversible,
} from '@neuralode/adjoint';
import { grad, jit } from '@neuralode/autodiff';
import { reference } from '@neuralode/backend-reference';
import { alf, type GradientMethod, odeint, type OdeintOptions, rk4 } from '@neuralode/solvers';
import { jsonOf, resultsPath, rowsOfLastRun, writeResults } from './files/results.ts';
import { type MemoryRow, plotMemory } from './memory/plot.ts';
import { runPeer } from './peers/python.ts';
import { disposeTree, random, setBackend, type Tensor, tensor } from '@neuralode/tensor';

const { values } = parseArgs({
  options: { most: { type: 'string', default: '10000' }, only: { type: 'string' } },
});

interface Params {
  w1: Tensor;
  w2: Tensor;
}

interface Contestant {
  readonly name: string;
  readonly options: (stepSize: number) => OdeintOptions<Params>;
  /** Whether the gradient is by the gain alone. */
  readonly byGain: boolean;
}

const byRk4 = (gradient: GradientMethod): Contestant => ({
  name: gradient.name,
  options: (stepSize) => ({ solver: rk4(), stepSize, gradient }),
  byGain: gradient.name === 'forward',
});

const contestants: readonly Contestant[] = [
  ...[direct(), checkpointed(), backsolve(), interpolated(), forward()].map(byRk4),
  {
    name: 'reversible',
    options: (stepSize) => ({ solver: alf({ adaptive: false }), stepSize, gradient: reversible() }),
    byGain: false,
  },
];

/** Peak bytes above what was live before, of one gradient of a tanh network over `steps` steps. */
async function peakBytes(contestant: Contestant, steps: number): Promise<number> {
  const { options, byGain } = contestant;
  const backend = await setBackend(reference());
  const rng = random(0);
  const params = { w1: rng.normal([4, 32], 0, 0.3), w2: rng.normal([32, 4], 0, 0.3) };
  const y0 = rng.normal([64, 4]);
  const gain = tensor(1);
  const solve = (args: Params, factor: Tensor): Tensor => {
    const field = (_: Tensor, y: Tensor, p: Params): Tensor => {
      const rate = y.matMul(p.w1).tanh().matMul(p.w2);
      return byGain ? rate.mul(factor) : rate;
    };
    return odeint(field, y0, [0, 1], { args, ...options(1 / steps) })
      .ys.at(-1)
      .square()
      .mean();
  };
  const step = byGain
    ? jit(grad((factor: Tensor) => solve(params, factor)))
    : jit(grad((args: Params) => solve(args, gain)));
  const input = (byGain ? gain : params) as Tensor & Params;
  disposeTree(await step(input)); // recorded and planned
  const before = backend.memory().liveBytes;
  backend.resetPeak();
  disposeTree(await step(input));
  return backend.memory().peakBytes - before;
}

const counts: number[] = [];
for (let steps = 10; steps <= Number(values.most); steps *= 10) counts.push(steps);

async function measured(contestant: Contestant): Promise<MemoryRow[]> {
  const { name } = contestant;
  const rows: MemoryRow[] = [];
  for (const steps of counts) {
    const bytes = await peakBytes(contestant, steps);
    rows.push({ system: 'neuralode', method: name, steps, peakBytes: bytes });
  }
  return rows;
}

const only = values.only?.split(',');
const isMeasured = (name: string): boolean => only?.includes(name) ?? true;
const kept: MemoryRow[] = only === undefined ? [] : rowsOfLastRun('memory');
const results: MemoryRow[] = [];
for (const contestant of contestants) {
  const { name } = contestant;
  const earlier = kept.filter(({ system, method }) => system === 'neuralode' && method === name);
  results.push(...(isMeasured(name) ? await measured(contestant) : earlier));
}
const peers =
  only === undefined
    ? await runPeer<MemoryRow>('memory_torchdiffeq.py', counts.map(String))
    : kept.filter(({ system }) => system !== 'neuralode');
results.push(...peers);
console.table(results);
writeResults({
  [resultsPath('memory')]: jsonOf(results),
  'docs/results/memory.svg': plotMemory(results),
});
