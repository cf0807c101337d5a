/**
 * npm run bench -- plain
 *
 * solveIvp on Lorenz's equations, the Pleiades, the Brusselator with diffusion on 500 points and a linear system of ten, in
 * float64 at a tolerance of 1e-8: the time of a solve and of an evaluation beside scipy, npm's odex and dopri, and
 * dopri5 in C (bench/native/plain.c; left out where there is no C compiler), and the first two also as compiled tensor
 * programs in one call of the fused runtime. The shortest of many runs, each system in a
 * process of its own. Writes bench/results/plain.json and prints tables.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rootMeanSquareError } from './errors/root-mean-square.ts';
import { writeRows } from './files/results.ts';
import { withFolder } from './files/temporary.ts';
import { runPeer } from './peers/python.ts';
import { fusedProblems } from './plain/fused.ts';
import { plainProblems } from './plain/problems.ts';

const tolerance = 1e-8;
const systems = [
  ...['dopri5', 'tsit5', 'vern7', 'dop853', 'bosh3'].map((method) => `neuralode ${method}`),
  'odex GBS',
  'dopri dopri5',
];

const fused = 'neuralode fused dopri5';

interface Solved {
  readonly y: readonly number[];
  readonly nfe: number;
  readonly milliseconds: number;
}

interface Named extends Solved {
  readonly problem: string;
  readonly system: string;
}

const names = Object.keys(plainProblems);
const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

function run(problem: string, system: string, program: string, args: readonly string[]): Named {
  process.stderr.write(`${system}, ${problem}: running…\n`);
  const output = execFileSync(program, args, { encoding: 'utf8' });
  return { problem, system, ...(JSON.parse(output) as Solved) };
}

function inC(folder: string): Named[] {
  const program = join(folder, 'plain');
  const source = file('../native/plain.c');
  const { status } = spawnSync('cc', ['-O3', '-o', program, source, '-lm'], { stdio: 'inherit' });
  if (status !== 0) {
    process.stderr.write('C: not measured, for there is no C compiler (cc)\n');
    return [];
  }
  return names.map((name) => run(name, 'C dopri5', program, [name, String(tolerance)]));
}

const measure = file('./plain/measure.js');
const solved = [
  ...names.flatMap((name) =>
    systems.map((system) => run(name, system, process.execPath, [measure, system, name])),
  ),
  ...fusedProblems.map((name) => run(name, fused, process.execPath, [measure, fused, name])),
  ...(await withFolder('plain', inC)),
  ...(await runPeer<Named>('plain_scipy.py', [String(tolerance)])),
];

function errorOf({ problem, y }: Named): number | null {
  const exact = solved.find((row) => row.problem === problem && row.system === 'exact')?.y;
  if (exact === undefined) return null;
  return rootMeanSquareError(y, exact, 1);
}

const short = (value: number | null): number | null =>
  value === null ? null : Number(value.toPrecision(3));
const results = solved
  .filter(({ system }) => system !== 'exact')
  .map((row) => ({
    problem: row.problem,
    system: row.system,
    milliseconds: short(row.milliseconds),
    evaluations: row.nfe,
    'ns an evaluation': short((1e6 * row.milliseconds) / row.nfe),
    error: short(errorOf(row)),
  }));
for (const name of names) console.table(results.filter(({ problem }) => problem === name));
writeRows('plain', results);
