/**
 * A bench that trains one problem with our backends by both gradients, and with torchdiffeq and diffrax in the same run.
 */
import { parseArgs } from 'node:util';
import { reference } from '@neuralode/backend-reference';
import { simd } from '@neuralode/backend-simd';
import { wasm } from '@neuralode/backend-wasm';
import type { Backend } from '@neuralode/tensor';
import { writeRows } from '../files/results.ts';
import { withJsonFile } from '../files/temporary.ts';
import { runPeer } from '../peers/python.ts';
import type { Gradient, Iterations } from './measure.ts';
import { shown, type TrainingResult } from './result.ts';
import { stockWasm } from './stock-wasm.ts';

const makers = {
  reference: () => reference({ floatDType: 'float32' }),
  tfjs: stockWasm,
  wasm: () => wasm(),
  simd: () => simd(),
};

/** What is trained; `Problem` goes to the peers as JSON. */
export interface Trained<Problem, Result extends TrainingResult> {
  /** Of the bench, its results, and the scripts of the peers. */
  readonly name: string;
  /** Of the options `--iterations` and `--warmup`. */
  readonly defaults: Iterations;
  readonly backends: readonly (keyof typeof makers)[];
  problem(seed: number, warmup: number, iterations: number): Promise<Problem>;
  train(backend: Backend, name: string, gradient: Gradient, problem: Problem): Promise<Result>;
  /** The last columns of the table: losses, with the digits that say something here. */
  columns(row: Result): Record<string, string>;
}

/** Measures all systems, writes the results of the bench, and prints a table. */
export async function runTrainingBench<Problem, Result extends TrainingResult>(
  trained: Trained<Problem, Result>,
): Promise<void> {
  const { name, defaults, columns } = trained;
  const { values } = parseArgs({
    options: {
      iterations: { type: 'string', default: String(defaults.iterations) },
      warmup: { type: 'string', default: String(defaults.warmup) },
      seed: { type: 'string', default: '0' },
    },
  });
  const { seed, warmup, iterations } = values;
  const problem = await trained.problem(Number(seed), Number(warmup), Number(iterations));
  const results = [...(await ours(trained, problem)), ...(await peers<Result>(name, problem))];
  console.table(
    results.map((row) => ({
      system: row.system,
      backend: row.backend,
      gradient: row.gradient,
      'ms/iteration': shown(row.msPerIteration.median, 2),
      'first ms': shown(row.firstStepMs, 0),
      'nfe →': shown(row.nfeForward, 1),
      'nfe ←': shown(row.nfeBackward, 1),
      ...columns(row),
    })),
  );
  writeRows(name, results);
}

async function ours<Problem, Result extends TrainingResult>(
  { backends, train }: Trained<Problem, Result>,
  problem: Problem,
): Promise<Result[]> {
  const made: [string, Backend][] = [];
  for (const name of backends) made.push([name, await makers[name]()]);
  const rows: Result[] = [];
  for (const [name, backend] of made) {
    for (const gradient of ['direct', 'backsolve'] as const) {
      process.stderr.write(`neuralode, ${name}, ${gradient}: running…\n`);
      rows.push(await train(backend, name, gradient, problem));
    }
  }
  return rows;
}

function peers<Result>(name: string, problem: unknown): Promise<Result[]> {
  return withJsonFile(name, problem, async (file) => {
    const torch = await runPeer<Result>(`${name}_torchdiffeq.py`, [file]);
    return [...torch, ...(await runPeer<Result>(`${name}_diffrax.py`, [file]))];
  });
}
