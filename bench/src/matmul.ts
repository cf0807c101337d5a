/**
 * npm run bench -- matmul [--rounds=15] [--seed=0]
 *
 * Products of square matrices, and steps of the classical Runge-Kutta method on a field of two dense layers (float32,
 * many steps in one compiled solve), with and without the tanh between the layers: by our WASM backend and the fused
 * runtime (with fused multiply-add too, where the engine has it), by torch and by jax, on one thread and on two; beside
 * the floor, which is the operations of the products over what a plain loop of this machine's 128-bit SIMD reaches.
 * Writes bench/results/matmul.json and prints a table.
 */
import { parseArgs } from 'node:util';
import { simd } from '@neuralode/backend-simd';
import { wasm } from '@neuralode/backend-wasm';
import { writeRows } from './files/results.ts';
import { withJsonFile } from './files/temporary.ts';
import {
  fusedMultiplyAddName,
  hasMultiplyAdd,
  multiplyAddMeter,
  type RateMeter,
  turnOnMultiplyAdd,
} from './floor/multiply-add.ts';
import { type Contestant, type Measured, measureOurs } from './matmul/ours.ts';
import { matMulProblem } from './matmul/problem.ts';
import { runPeer } from './peers/python.ts';
import { shown } from './training/result.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '15' },
    seed: { type: 'string', default: '0' },
  },
});

/** The fused runtime, with one thread and two, and a loop of its multiply-adds, by the name of all. */
interface Engine {
  readonly name: string;
  readonly contestants: readonly Contestant[];
  readonly meter: RateMeter;
}

/** Without fused multiply-add where the engine has it behind a flag or not at all, and with it where it has it. */
function engines(): Engine[] {
  const made: Engine[] = [];
  const add = (): void => {
    const fused = hasMultiplyAdd();
    const name = fused ? fusedMultiplyAddName : 'simd';
    const contestants = [1, 2].map((threads) => ({ name, threads, backend: simd({ threads }) }));
    made.push({ name, contestants, meter: multiplyAddMeter(fused) });
  };
  add();
  if (!hasMultiplyAdd() && turnOnMultiplyAdd()) add();
  return made;
}

async function peers(file: string): Promise<Measured[]> {
  const rows: Measured[] = [];
  for (const script of ['matmul_torch.py', 'matmul_jax.py']) {
    for (const threads of ['1', '2']) {
      rows.push(...(await runPeer<Measured>(script, [file, '--threads', threads])));
    }
  }
  return rows;
}

/** A row of bench/results/matmul.json: beside what was measured, the floor (half of it for two threads) and its share of the shortest time. */
interface Row extends Measured {
  readonly usFloor: number | null;
  readonly shareOfFloor: number | null;
}

const problem = await matMulProblem(Number(values.seed), Number(values.rounds));
const fusedRuntimes = engines();
const contestants = [
  { name: 'wasm', threads: 1, backend: await wasm() },
  ...fusedRuntimes.flatMap((engine) => engine.contestants),
];
process.stderr.write('neuralode: running…\n');
const ours = await measureOurs(contestants, problem, () => {
  for (const { meter } of fusedRuntimes) meter();
});
const measured = [...ours, ...(await withJsonFile('matmul', problem, peers))];

const works = [...problem.products, ...problem.steps];
/** Operations a second; the WASM backend's engine has no fused multiply-add. */
const rates = new Map(fusedRuntimes.map(({ name, meter }) => [name, meter()]));
rates.set('wasm', rates.get('simd') ?? Number.NaN);

function withFloor(row: Measured): Row {
  const { operations } = works.find(({ shape }) => shape === row.shape)!;
  const rate = row.system === 'neuralode' ? rates.get(row.backend)! : Number.NaN;
  const usFloor = (1e6 * operations) / (rate * row.threads);
  if (Number.isNaN(usFloor)) return { ...row, usFloor: null, shareOfFloor: null };
  return { ...row, usFloor, shareOfFloor: usFloor / row.usShortest };
}

/** All systems must have computed the same thing. */
function requireAgreement(rows: readonly Measured[]): void {
  for (const row of rows) {
    const first = rows.find(({ work, shape }) => work === row.work && shape === row.shape)!;
    if (Math.abs(row.result / first.result - 1) <= 1e-3) continue;
    throw new Error(
      `${row.system} (${row.backend}) and ${first.system} (${first.backend}) differ in ${row.work} ${row.shape}: ${row.result} and ${first.result}`,
    );
  }
}

requireAgreement(measured);
const results = measured.map(withFloor);
const gigaflops = Object.fromEntries([...rates].map(([name, rate]) => [name, rate / 1e9]));
for (const { shape } of works) {
  const rows = results.filter((row) => row.shape === shape);
  process.stdout.write(`${shape}\n`);
  console.table(
    rows.map((row) => ({
      work: row.work,
      system: row.system,
      backend: row.backend,
      threads: row.threads,
      'µs, median': shown(row.usPerStep, 1),
      'µs, shortest': shown(row.usShortest, 1),
      'µs, floor': shown(row.usFloor, 1),
      'share of floor': shown(row.shareOfFloor, 2),
    })),
  );
}
process.stderr.write(
  `rates of the floor in 10⁹ operations a second: ${JSON.stringify(gigaflops)}\n`,
);
writeRows('matmul', results);
