/** What is solved: standard problems, and the tolerances. */
import { detest, type Problem, references, stiff } from '@neuralode/test-problems';
import { rootMeanSquareError } from '../errors/root-mean-square.ts';

/** A problem with its solution, as the peers get it too: see bench/peers/work_precision.py. */
export interface Task {
  readonly problem: Problem;
  readonly end: number;
  readonly exact: readonly number[];
  readonly stiff: boolean;
  readonly tolerances: readonly number[];
}

/** One solve. `nfe` are evaluations of the field without those for Jacobians; null where not known. */
export interface Row {
  readonly system: string;
  readonly method: string;
  readonly problem: string;
  readonly rtol: number;
  /** The root mean square of the errors at the end relative to smallness + |y|. */
  readonly error: number;
  readonly nfe: number | null;
  readonly milliseconds: number;
}

/** From 10^-first to 10^-last. */
function tolerances({ first, last, inDecade }: Range): number[] {
  const count = inDecade * (last - first) + 1;
  return Array.from({ length: count }, (_, i) => 10 ** -(first + i / inDecade));
}

interface Range {
  readonly first: number;
  readonly last: number;
  /** The error is a noisy function of the tolerance: with three, ratios at equal errors still move by a tenth. */
  readonly inDecade: number;
}

function tasksOf(names: readonly string[], set: 'detest' | 'stiff', range: Range): Task[] {
  const solutions = references(set);
  const problems = set === 'detest' ? detest : stiff;
  return names.map((name) => ({
    problem: problems.find((each) => each.name === name)!,
    end: problems.find((each) => each.name === name)!.times[1],
    exact: solutions[name].ys[0],
    stiff: set === 'stiff',
    tolerances: tolerances(range),
  }));
}

/** A rigid body, planets, an orbit and an oscillator; and the stiff ones that a bench has time for. */
export const tasks: readonly Task[] = [
  ...tasksOf(['B5', 'C5', 'D3', 'E2'], 'detest', { first: 3, last: 10, inDecade: 3 }),
  ...tasksOf(['vdpol', 'rober', 'hires', 'orego', 'pollution'], 'stiff', {
    first: 3,
    last: 8,
    inDecade: 10,
  }),
];

export function errorOf({ exact, problem }: Task, y: ArrayLike<number>): number {
  return rootMeanSquareError(y, exact, problem.smallness);
}

/**
 * The shortest of some runs in milliseconds, and what the last gave: three, or as many as it takes for compiled code to
 * settle; one slow run says as much as several.
 */
export function bestTime<T>(solve: () => T): { milliseconds: number; result: T } {
  const [settled, patience] = [50, 200];
  let milliseconds = Number.POSITIVE_INFINITY;
  let result = solve();
  const begin = performance.now();
  const elapsed = (): number => performance.now() - begin;
  for (let i = 0; i === 0 || elapsed() < settled || (i < 3 && elapsed() < patience); i++) {
    const start = performance.now();
    result = solve();
    milliseconds = Math.min(milliseconds, performance.now() - start);
  }
  return { milliseconds, result };
}
