/**
 * npm run bench -- cnf [--iterations=20] [--warmup=3] [--seed=0]
 *
 * The log-likelihood of a planar continuous flow, its gradient and an update by Adam (width 64, batch 512, t from 10 to
 * 0, dopri5 at 1e-5, float32, one thread, the trace in closed form) by each of our backends and both gradients, and by the Python peers in the same run.
 * Writes bench/results/cnf.json and prints a table.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { reference } from '@neuralode/backend-reference';
import { simd } from '@neuralode/backend-simd';
import { wasm } from '@neuralode/backend-wasm';
import { type CnfResult, measureCnf } from './cnf/ours.ts';
import { type CnfProblem, cnfProblem } from './cnf/problem.ts';
import { runPeer } from './peers/python.ts';

const { values } = parseArgs({
  options: {
    iterations: { type: 'string', default: '20' },
    warmup: { type: 'string', default: '3' },
    seed: { type: 'string', default: '0' },
  },
});

async function ours(problem: CnfProblem): Promise<CnfResult[]> {
  const backends = {
    reference: reference({ floatDType: 'float32' }),
    wasm: await wasm(),
    simd: simd(),
  };
  const rows: CnfResult[] = [];
  for (const [name, backend] of Object.entries(backends)) {
    for (const gradient of ['direct', 'backsolve'] as const) {
      process.stderr.write(`neuralode, ${name}, ${gradient}: running…\n`);
      rows.push(await measureCnf(backend, name, gradient, problem));
    }
  }
  return rows;
}

async function peers(problem: CnfProblem): Promise<CnfResult[]> {
  const folder = mkdtempSync(join(tmpdir(), 'neuralode-cnf-'));
  try {
    const file = join(folder, 'problem.json');
    writeFileSync(file, JSON.stringify(problem));
    const torch = await runPeer<CnfResult>('cnf_torchdiffeq.py', [file]);
    return [...torch, ...(await runPeer<CnfResult>('cnf_diffrax.py', [file]))];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const problem = await cnfProblem(
  Number(values.seed),
  Number(values.warmup),
  Number(values.iterations),
);
const results = [...(await ours(problem)), ...(await peers(problem))];
const folder = fileURLToPath(new URL('../results/', import.meta.url));
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'cnf.json'), `${JSON.stringify(results, null, 2)}\n`);
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
    'first loss': shown(row.initialLoss, 5),
    loss: shown(row.loss, 5),
    '‖gradient‖': shown(row.initialGradientNorm, 5),
  })),
);
process.stderr.write('written: bench/results/cnf.json\n');
