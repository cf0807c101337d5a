/**
 * npm run bench -- stiff-set
 *
 * The standard stiff problems to their ends at tolerances from 1e-3 to 1e-10, in float64 on the reference backend, against
 * solutions to rounding by another code (packages/test-problems). Half an hour, nearly all of it for the ring modulator.
 * Writes bench/results/stiff-set.json, an array of { problem, method, rtol, time, error, accepted, nfe, seconds }, with a
 * row for each of a problem's times, and prints it.
 */
import { reference } from '@neuralode/backend-reference';
import {
  type AdaptiveSolver,
  bdf,
  kvaerno5,
  odeint,
  radau5,
  rodas4,
  SolveError,
} from '@neuralode/solvers';
import { setBackend, tensor } from '@neuralode/tensor';
import { type Problem, references, stiff, tensorField } from '@neuralode/test-problems';
import { rootMeanSquareError } from './errors/root-mean-square.ts';
import { resultsPath, writeResults } from './files/results.ts';

interface Row {
  readonly problem: string;
  readonly method: string;
  readonly rtol: number;
  readonly time: number;
  /** The root mean square at that time relative to smallness + |y|; null where the solve failed. */
  readonly error: number | null;
  readonly accepted: number | null;
  readonly nfe: number | null;
  readonly seconds: number;
}

const methods: readonly (readonly [string, AdaptiveSolver])[] = [
  ['radau5', radau5()],
  ['kvaerno5', kvaerno5()],
  ['rodas4', rodas4()],
  ['bdf', bdf()],
];
const tolerances = [1e-3, 1e-5, 1e-7, 1e-10];

/** To its end the ring modulator takes 10^5 steps and more: with the other methods and finer, hours. */
const withinReason = ({ name }: Problem, method: string, rtol: number): boolean =>
  name !== 'ringmod' || rtol >= (method === 'radau5' ? 1e-7 : 1e-5);

/** Once a concentration of E5 falls below −|y| the solution blows up: its atol is the one that its authors prescribe. */
const atolOf = ({ name, smallness }: Problem, rtol: number): number =>
  name === 'e5' ? 1.7e-24 : rtol * smallness;

const solutions = references('stiff');

function solve(problem: Problem, [method, solver]: (typeof methods)[number], rtol: number): Row[] {
  const { name, times, y0, smallness } = problem;
  process.stderr.write(`${method}, ${name} at ${rtol}: running…\n`);
  const options = { solver, rtol, atol: atolOf(problem, rtol), maxSteps: 1e7 };
  const begin = performance.now();
  const row = { problem: name, method, rtol };
  const seconds = (): number => Number(((performance.now() - begin) / 1000).toFixed(1));
  try {
    const { ys, stats } = odeint.sync(tensorField(problem), tensor([...y0]), [...times], options);
    const { accepted, nfe } = stats;
    return times.slice(1).map((time, i) => {
      const got = ys.at(i + 1).dataSync();
      const error = rootMeanSquareError(got, solutions[name].ys[i], smallness);
      return { ...row, time, error, accepted, nfe, seconds: seconds() };
    });
  } catch (error) {
    if (!(error instanceof SolveError)) throw error;
    process.stderr.write(`${error.message}\n`);
    const failed = { error: null, accepted: null, nfe: null, seconds: seconds() };
    return times.slice(1).map((time) => ({ ...row, time, ...failed }));
  }
}

await setBackend(reference());
const rows = stiff.flatMap((problem) =>
  methods.flatMap((method) =>
    tolerances
      .filter((rtol) => withinReason(problem, method[0], rtol))
      .flatMap((rtol) => solve(problem, method, rtol)),
  ),
);
const lines = rows.map((row) => `  ${JSON.stringify(row)}`);
console.table(rows);
writeResults({ [resultsPath('stiff-set')]: `[\n${lines.join(',\n')}\n]\n` });
