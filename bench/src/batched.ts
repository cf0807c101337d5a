/**
 * npm run bench -- batched
 *
 * Batches of van der Pol's oscillator, solved with common steps and with steps of each row's own: evaluations of the
 * field on the batch, attempted steps of the hardest row and of the mean row, milliseconds (best of five, recorded
 * beforehand), and the largest error of any row. `idle` is the share of row-evaluations spent on rows that are done:
 * what leaving them out could save at most. Reference backend in float64, WASM in float32.
 * Writes bench/results/batched.json and prints a table.
 */
import { jit } from '@neuralode/autodiff';
import { reference } from '@neuralode/backend-reference';
import { wasm } from '@neuralode/backend-wasm';
import { odeint, type SolveStats } from '@neuralode/solvers';
import { getBackend, setBackend, stack, type Tensor, tensor } from '@neuralode/tensor';
import { writeRows } from './files/results.ts';

interface Batch {
  readonly name: string;
  readonly mus: readonly number[];
  readonly end: number;
}

const many = (count: number, mu: (i: number) => number): number[] =>
  Array.from({ length: count }, (_, i) => mu(i));

const batches: readonly Batch[] = [
  { name: 'alike, out of phase, 64 rows', mus: many(64, () => 8), end: 40 },
  { name: 'alike, out of phase, 256 rows', mus: many(256, () => 8), end: 40 },
  { name: 'mu from 0 to 10, 64 rows', mus: many(64, (i) => (10 * i) / 63), end: 30 },
  { name: 'one of mu 100 among 15 of mu 1', mus: [...many(15, () => 1), 100], end: 20 },
];

const field = (_: Tensor, y: Tensor, mu: Tensor): Tensor => {
  const [x, v] = [y.at(0, 1), y.at(1, 1)];
  return stack([v, v.mul(x.square().neg().add(1)).mul(mu).sub(x)], 1);
};

interface Solved {
  readonly stats: SolveStats;
  readonly end: ArrayLike<number>;
  readonly milliseconds: number;
}

function solve({ mus, end }: Batch, batched: boolean, tolerance: number, repeats = 5): Solved {
  const heard: SolveStats[] = [];
  const onSolve = (stats: SolveStats): number => heard.push(stats);
  const run = jit((y0: Tensor, args: Tensor): Tensor => {
    const options = { args, batched, rtol: tolerance, atol: tolerance, onSolve };
    return odeint(field, y0, [0, end], options).ys.at(-1);
  });
  const y0 = tensor(mus.map((_, i) => [2 * Math.cos(i), 2 * Math.sin(i)]));
  const args = tensor(mus);
  let last = run.sync(y0, args).dataSync();
  let milliseconds = Number.POSITIVE_INFINITY;
  for (let i = 0; i < repeats; i++) {
    const start = performance.now();
    last = run.sync(y0, args).dataSync();
    milliseconds = Math.min(milliseconds, performance.now() - start);
  }
  return { stats: heard[0], end: last, milliseconds };
}

function largestError(got: ArrayLike<number>, exact: ArrayLike<number>): number {
  return Array.from(got).reduce((worst, v, i) => Math.max(worst, Math.abs(v - exact[i])), 0);
}

const round = (value: number, digits = 3): number => Number(value.toPrecision(digits));
const results: Record<string, string | number>[] = [];
await setBackend(reference());
const exact = batches.map((batch) => solve(batch, true, 1e-11, 0).end);

for (const backend of [reference(), wasm()]) {
  await setBackend(backend);
  const tolerance = getBackend().floatDType === 'float64' ? 1e-6 : 1e-4;
  batches.forEach((batch, i) => {
    for (const batched of [false, true]) {
      const { stats, end, milliseconds } = solve(batch, batched, tolerance);
      const steps = stats.rows?.map(({ accepted, rejected }) => accepted + rejected);
      const most = steps && Math.max(...steps);
      const mean = steps && steps.reduce((a, b) => a + b, 0) / steps.length;
      results.push({
        system: 'neuralode',
        backend: getBackend().name,
        batch: batch.name,
        steps: batched ? 'own' : 'common',
        rtol: tolerance,
        nfe: stats.nfe,
        milliseconds: round(milliseconds),
        error: round(largestError(end, exact[i]), 2),
        ...(most &&
          mean && { mostSteps: most, meanSteps: round(mean), idle: round(1 - mean / most) }),
      });
    }
  });
}
console.table(results);
writeRows('batched', results);
