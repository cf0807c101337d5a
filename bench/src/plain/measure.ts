/**
 * Measures one JavaScript system on one problem, in a process of its own: what V8 learns of one system's arrays would
 * slow down another's field.
 *
 *     node measure.js SYSTEM PROBLEM
 */
import { bosh3, dop853, dopri5, solveIvp, tsit5, vern7 } from '@neuralode/solvers';
import {
  type PeerProblem,
  type PeerSolution,
  solveWithDopri,
  solveWithOdex,
} from '../peers/npm.ts';
import { type FusedProblem, fusedSolver } from './fused.ts';
import { plainProblems } from './problems.ts';

const tolerance = 1e-8;
/** How long to go on, in milliseconds: compiled code has settled, and the shortest run is one without interruptions. */
const patience = 1500;

const methods = { dopri5, tsit5, vern7, dop853, bosh3 };
const ours = Object.fromEntries(
  Object.entries(methods).map(([name, method]) => [
    `neuralode ${name}`,
    ({ field, y0, span, rtol, atol }: PeerProblem): PeerSolution => {
      const options = { solver: method(), rtol, atol };
      const { ys, stats } = solveIvp(field, Float64Array.from(y0), span, options);
      return { y: Array.from(ys[1]), nfe: stats.nfe };
    },
  ]),
);
const systems: Readonly<Record<string, (problem: PeerProblem) => PeerSolution>> = {
  ...ours,
  'odex GBS': solveWithOdex,
  'dopri dopri5': solveWithDopri,
};

const [system, name] = process.argv.slice(2);
const solve =
  system === 'neuralode fused dopri5' ? await fusedSolver(name as FusedProblem) : systems[system];
const given: PeerProblem = { ...plainProblems[name], rtol: tolerance, atol: tolerance };
let milliseconds = Number.POSITIVE_INFINITY;
let solution = solve(given);
const begin = performance.now();
for (let run = 0; run < 3 || performance.now() - begin < patience; run++) {
  const start = performance.now();
  solution = solve(given);
  milliseconds = Math.min(milliseconds, performance.now() - start);
}
process.stdout.write(JSON.stringify({ ...solution, milliseconds }));
