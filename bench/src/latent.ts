/**
 * npm run bench -- latent [--iterations=20] [--warmup=10] [--seed=0]
 *
 * Trains a latent ODE on 100 spirals of 100 equally spaced times (dopri5, rtol 1e-5, atol 1e-6, float32, one thread) with
 * our compiled backends and both gradients, and with the Python peers in the same run. Writes bench/results/latent.json
 * and prints a table.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { simd } from '@neuralode/backend-simd';
import { wasm } from '@neuralode/backend-wasm';
import { type LatentResult, trainLatent } from './latent/ours.ts';
import { type LatentProblem, latentProblem } from './latent/problem.ts';
import { runPeer } from './peers/python.ts';

const { values } = parseArgs({
  options: {
    iterations: { type: 'string', default: '20' },
    warmup: { type: 'string', default: '10' },
    seed: { type: 'string', default: '0' },
  },
});

async function ours(problem: LatentProblem): Promise<LatentResult[]> {
  const backends = { wasm: await wasm(), simd: simd() };
  const rows: LatentResult[] = [];
  for (const [name, backend] of Object.entries(backends)) {
    for (const gradient of ['direct', 'backsolve'] as const) {
      process.stderr.write(`neuralode, ${name}, ${gradient}: running…\n`);
      rows.push(await trainLatent(backend, name, gradient, problem));
    }
  }
  return rows;
}

async function peers(problem: LatentProblem): Promise<LatentResult[]> {
  const folder = mkdtempSync(join(tmpdir(), 'neuralode-latent-'));
  try {
    const file = join(folder, 'problem.json');
    writeFileSync(file, JSON.stringify(problem));
    const torch = await runPeer<LatentResult>('latent_torchdiffeq.py', [file]);
    return [...torch, ...(await runPeer<LatentResult>('latent_diffrax.py', [file]))];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const problem = await latentProblem(
  Number(values.seed),
  Number(values.warmup),
  Number(values.iterations),
);
const results = [...(await ours(problem)), ...(await peers(problem))];
const folder = fileURLToPath(new URL('../results/', import.meta.url));
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'latent.json'), `${JSON.stringify(results, null, 2)}\n`);
const shown = (value: number | null, digits: number): string => value?.toFixed(digits) ?? '–';
console.table(
  results.map((row) => ({
    system: row.system,
    backend: row.backend,
    gradient: row.gradient,
    'ms/iteration': shown(row.msPerIteration.median, 2),
    'first ms': shown(row.firstStepMs, 0),
    'nfe →': shown(row.nfeForward, 1),
    'nfe ←': shown(row.nfeBackward, 1),
    loss: shown(row.loss, 2),
    'first loss': shown(row.initialLoss, 3),
  })),
);
process.stderr.write('written: bench/results/latent.json\n');
