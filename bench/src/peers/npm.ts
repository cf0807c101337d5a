/** The solvers of npm, as one function each. */
import { createRequire } from 'node:module';
import { Dopri } from 'dopri';

/** dy/dt at (t, y), written into `dy`. */
export type PeerField = (t: number, y: ArrayLike<number>, dy: number[] | Float64Array) => void;

export interface PeerProblem {
  readonly field: PeerField;
  readonly y0: readonly number[];
  readonly span: readonly [number, number];
  readonly rtol: number;
  readonly atol: number;
}

export interface PeerSolution {
  readonly y: readonly number[];
  readonly nfe: number;
}

interface OdexSolver {
  absoluteTolerance: number;
  relativeTolerance: number;
  maxSteps: number;
  solve(
    field: (t: number, y: number[]) => number[],
    start: number,
    y0: readonly number[],
    end: number,
  ): { y: number[]; nEval: number; outcome: number };
}

// Its package has TypeScript sources for types, which are not ours to compile.
const odex = createRequire(import.meta.url)('odex') as { Solver: new (n: number) => OdexSolver };

/** odex: the extrapolation code of Hairer and Wanner. Its fields return a list. */
export function solveWithOdex({ field, y0, span, rtol, atol }: PeerProblem): PeerSolution {
  const solver = new odex.Solver(y0.length);
  solver.relativeTolerance = rtol;
  solver.absoluteTolerance = atol;
  solver.maxSteps = 1_000_000;
  const listField = (t: number, y: number[]): number[] => {
    const dy = new Array<number>(y.length);
    field(t, y, dy);
    return dy;
  };
  const { y, nEval, outcome } = solver.solve(listField, span[0], y0, span[1]);
  if (outcome !== 0) throw new Error(`odex ended with outcome ${outcome}`);
  return { y, nfe: nEval };
}

/** dopri: Dormand-Prince 5(4) with the PI control of Hairer's DOPRI5. */
export function solveWithDopri({ field, y0, span, rtol, atol }: PeerProblem): PeerSolution {
  const solver = new Dopri(field, y0.length, { rtol, atol, maxSteps: 1_000_000 });
  solver.initialise(span[0], [...y0]);
  const [y] = solver.run(span[1])([span[1]]);
  return { y, nfe: solver.statistics().nEval };
}
