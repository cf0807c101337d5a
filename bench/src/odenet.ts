/**
 * npm run bench -- odenet [--rounds=1] [--iterations=3] [--warmup=1] [--batch=128] [--seed=0]
 *     [--only=simd,wasm] [--threads=1,2]
 *
 * Training steps of the paper's picture network with a block of continuous depth (64 channels, batch 128, dopri5 at 1e-3,
 * float32), differentiated through the steps and by the adjoint: by each of our backends, each in a process of its own, and
 * by torchdiffeq and diffrax with the same parameters and pictures, on one thread and, where there are threads, on two.
 * Beside ours the floor of their convolutions, and where the fused runtime's time goes. In each round all are measured; the
 * round of the shortest iteration counts. With `--only`, which names backends and peers to measure, and `--threads`, the
 * other rows are those of the last run. Writes bench/results/odenet.json and prints tables.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { rowsOfLastRun, writeRows } from './files/results.ts';
import { withJsonFile } from './files/temporary.ts';
import {
  fusedMultiplyAddName,
  hasMultiplyAdd,
  multiplyAddMeter,
  type RateMeter,
  turnOnMultiplyAdd,
} from './floor/multiply-add.ts';
import type { OdenetResult } from './odenet/measure.ts';
import { stepOperations } from './odenet/operations.ts';
import { odenetProblem } from './odenet/problem.ts';
import { rowsPrinted } from './peers/child.ts';
import { runPeer } from './peers/python.ts';
import type { Gradient } from './training/measure.ts';
import { shown } from './training/result.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '1' },
    iterations: { type: 'string', default: '3' },
    warmup: { type: 'string', default: '1' },
    batch: { type: 'string', default: '128' },
    seed: { type: 'string', default: '0' },
    only: { type: 'string' },
    threads: { type: 'string', default: '1,2' },
  },
});

/** A row of bench/results/odenet.json; two threads have half the floor, and `shareOfFloor` is the floor over the shortest iteration. */
interface Row extends OdenetResult {
  readonly floorMs: number | null;
  readonly shareOfFloor: number | null;
}

/** Loops of multiply-adds by the backend that they are the floor of; the WASM backend has none that are fused. */
const meters = new Map<string, RateMeter>();
const withoutFlag = hasMultiplyAdd();
if (!withoutFlag) {
  const meter = multiplyAddMeter(false);
  meters.set('simd', meter).set('wasm', meter);
}
if (turnOnMultiplyAdd()) {
  // where it is always there, it is what `simd` has
  meters.set(withoutFlag ? 'simd' : fusedMultiplyAddName, multiplyAddMeter(true));
}

const only = values.only?.split(',');
const threadCounts = values.threads.split(',');
const isMeasured = (name: string): boolean => only?.includes(name) ?? true;

async function ours(file: string): Promise<OdenetResult[]> {
  const program = fileURLToPath(new URL('./odenet/measure.js', import.meta.url));
  const rows: OdenetResult[] = [];
  const measure = async (backend: string, threads: string): Promise<void> => {
    for (const gradient of ['direct', 'backsolve']) {
      const name = `neuralode, ${backend}, ${gradient}, threads: ${threads}`;
      const args = [program, file, backend, gradient, threads];
      const env = { ...process.env, TF_NUM_INTRAOP_THREADS: threads };
      rows.push(...(await rowsPrinted<OdenetResult>(name, process.execPath, args, env)));
      for (const meter of meters.values()) meter();
    }
  };
  const fused = meters.has(fusedMultiplyAddName) ? [fusedMultiplyAddName] : [];
  const bothThreads = ['simd', ...fused, 'node-gpu'];
  for (const backend of bothThreads.filter((name) => isMeasured(name.split(',')[0]))) {
    for (const threads of threadCounts) await measure(backend, threads);
  }
  if (isMeasured('wasm') && threadCounts.includes('1')) await measure('wasm', '1');
  return rows;
}

async function peers(file: string): Promise<OdenetResult[]> {
  const rows: OdenetResult[] = [];
  for (const name of ['torchdiffeq', 'diffrax'].filter(isMeasured)) {
    for (const threads of threadCounts) {
      const args = [file, '--threads', threads];
      rows.push(...(await runPeer<OdenetResult>(`odenet_${name}.py`, args)));
    }
  }
  return rows;
}

/** Of rows of the same system and settings the one with the shortest iteration. */
function bestOf(rows: readonly OdenetResult[]): OdenetResult[] {
  const best = new Map<string, OdenetResult>();
  for (const row of rows) {
    const key = [row.system, row.backend, row.threads, row.gradient].join();
    const known = best.get(key);
    if (known === undefined || row.msPerIteration.min < known.msPerIteration.min) {
      best.set(key, row);
    }
  }
  return [...best.values()];
}

/** What is not measured in this run, from the last one. */
function rowsKept(): Row[] {
  return rowsOfLastRun<Row>('odenet').filter(({ system, backend, threads }) => {
    const name = system === 'neuralode' ? backend.split(',')[0] : system;
    return !isMeasured(name) || !threadCounts.includes(String(threads));
  });
}

/** All must have solved the same thing: to what a tolerance of 1e-3 in the state leaves of the loss. */
function requireAgreement(rows: readonly OdenetResult[]): void {
  const [first] = rows;
  for (const row of rows) {
    const lossesDiffer = Math.abs(row.initialLoss / first.initialLoss - 1) > 1e-3;
    const normsDiffer = Math.abs(row.initialGradientNorm / first.initialGradientNorm - 1) > 0.03;
    if (!lossesDiffer && !normsDiffer) continue;
    const told = [first, row].map(
      ({ system, backend, gradient, initialLoss, initialGradientNorm }) =>
        `${system} (${backend}, ${gradient}) has ${initialLoss} and ${initialGradientNorm}`,
    );
    throw new Error(`first losses and norms of their gradients differ: ${told.join('; ')}`);
  }
}

function withFloor(row: OdenetResult, batch: number): Row {
  const rate = row.system === 'neuralode' ? meters.get(row.backend)?.() : undefined;
  const { nfeForward, nfeBackward } = row;
  if (rate === undefined || nfeForward === null || nfeBackward === null) {
    return { ...row, floorMs: null, shareOfFloor: null };
  }
  const operations = stepOperations(batch, row.gradient as Gradient, { nfeForward, nfeBackward });
  const floorMs = (1000 * operations) / (rate * row.threads);
  return { ...row, floorMs, shareOfFloor: floorMs / row.msPerIteration.min };
}

const named = ({ backend, threads, gradient }: Row) => ({ backend, threads, gradient });

function printSteps(rows: readonly Row[]): void {
  console.table(
    rows.map((row) => ({
      system: row.system,
      backend: row.backend,
      threads: row.threads,
      gradient: row.gradient,
      'ms/iteration': shown(row.msPerIteration.median, 0),
      shortest: shown(row.msPerIteration.min, 0),
      'first ms': shown(row.firstStepMs, 0),
      'nfe →': shown(row.nfeForward, 1),
      'nfe ←': shown(row.nfeBackward, 1),
      'first loss': shown(row.initialLoss, 5),
      '‖gradient‖': shown(row.initialGradientNorm, 4),
      'floor ms': shown(row.floorMs, 0),
      'share of floor': shown(row.shareOfFloor, 2),
    })),
  );
}

/** Shares of the shortest iteration, and of the floor's rate that convolutions reach on their own. */
function printParts(rows: readonly Row[]): void {
  const analysed = rows.filter((row) => row.parts !== undefined);
  console.table(
    analysed.map((row) => {
      const { min } = row.msPerIteration;
      const parts = Object.entries(row.parts!);
      const rest = min - parts.reduce((sum, [, milliseconds]) => sum + milliseconds, 0);
      const shares = [...parts, ['rest', rest] as const].map(([part, milliseconds]) => [
        part,
        shown(milliseconds / min, 3),
      ]);
      return { ...named(row), ...Object.fromEntries(shares) };
    }),
  );
  console.table(
    analysed.map((row) => {
      const rate = meters.get(row.backend)!() * row.threads;
      const { field, halving } = row.rates!;
      return {
        ...named(row),
        '3 × 3 →': shown(field.forward / rate, 2),
        '3 × 3 ←': shown(field.backward / rate, 2),
        '4 × 4, stride 2 →': shown(halving.forward / rate, 2),
        '4 × 4, stride 2 ←': shown(halving.backward / rate, 2),
      };
    }),
  );
}

const batch = Number(values.batch);
const problem = await odenetProblem({
  seed: Number(values.seed),
  batch,
  warmup: Number(values.warmup),
  iterations: Number(values.iterations),
});
await withJsonFile('odenet', problem, async (file) => {
  const measured: OdenetResult[] = [];
  for (let round = 0; round < Number(values.rounds); round++) {
    measured.push(...(await ours(file)), ...(await peers(file)));
  }
  const rows = [...bestOf(measured).map((row) => withFloor(row, batch)), ...rowsKept()];
  printSteps(rows);
  printParts(rows);
  requireAgreement(rows);
  writeRows('odenet', rows);
});
const told = [...meters].map(([name, meter]) => `${name} ${(meter() / 1e9).toFixed(1)}`);
process.stderr.write(`rates of the floor, 10⁹ operations a second: ${told.join('; ')}\n`);
