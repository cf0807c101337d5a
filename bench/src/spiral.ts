/**
 * npm run bench -- spiral [--iterations=60] [--warmup=10] [--seed=0]
 *
 * Trains the public spiral example (dopri5, rtol 1e-7, atol 1e-9, float32, one thread) with each of our backends and
 * both gradients, and with the Python peers in the same run. Writes bench/results/spiral.json and prints a table.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { reference } from '@neuralode/backend-reference';
import { simd } from '@neuralode/backend-simd';
import { wasm } from '@neuralode/backend-wasm';
import { runPeer } from './peers/python.ts';
import { type SpiralResult, trainSpiral } from './spiral/ours.ts';
import { type SpiralProblem, spiralProblem } from './spiral/problem.ts';

const { values } = parseArgs({
  options: {
    iterations: { type: 'string', default: '60' },
    warmup: { type: 'string', default: '10' },
    seed: { type: 'string', default: '0' },
  },
});

async function ours(problem: SpiralProblem): Promise<SpiralResult[]> {
  const backends = {
    reference: reference({ floatDType: 'float32' }),
    wasm: await wasm(),
    simd: simd(),
  };
  const rows: SpiralResult[] = [];
  for (const [name, backend] of Object.entries(backends)) {
    for (const gradient of ['direct', 'backsolve'] as const) {
      process.stderr.write(`neuralode, ${name}, ${gradient}: running…\n`);
      rows.push(await trainSpiral(backend, name, gradient, problem));
    }
  }
  return rows;
}

async function peers(problem: SpiralProblem): Promise<SpiralResult[]> {
  const folder = mkdtempSync(join(tmpdir(), 'neuralode-spiral-'));
  try {
    const file = join(folder, 'problem.json');
    writeFileSync(file, JSON.stringify(problem));
    const torch = await runPeer<SpiralResult>('spiral_torchdiffeq.py', [file]);
    return [...torch, ...(await runPeer<SpiralResult>('spiral_diffrax.py', [file]))];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const problem = await spiralProblem(
  Number(values.seed),
  Number(values.warmup),
  Number(values.iterations),
);
const results = [...(await ours(problem)), ...(await peers(problem))];
const folder = fileURLToPath(new URL('../results/', import.meta.url));
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'spiral.json'), `${JSON.stringify(results, null, 2)}\n`);
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
    loss: shown(row.loss, 5),
    'first loss': shown(row.initialLoss, 6),
  })),
);
process.stderr.write('written: bench/results/spiral.json\n');
