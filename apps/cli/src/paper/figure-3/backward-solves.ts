/** Panel (c): evaluations of the adjoint's solve against those of the forward one, by solver and by error norm. */
import { backsolve, direct } from '@neuralode/adjoint';
import { grad, jit } from '@neuralode/autodiff';
import { crossEntropy, odenet, type OdenetParams } from '@neuralode/odenet';
import {
  type AdaptiveOptions,
  type AdaptiveSolver,
  adams,
  dopri5,
  type SolveStats,
} from '@neuralode/solvers';
import { disposeTree, leavesWithPaths } from '@neuralode/tensor';
import { type Digits, digitTensors, type DigitTensors } from '../../mnist/digits.ts';
import { relativeError, tolerances } from './forward-solves.ts';

/** A way to solve forward and back. */
interface Way {
  readonly name: string;
  readonly solver: () => AdaptiveSolver;
  /** Whether the error norm of the backward solve leaves the parameters' gradient out. */
  readonly seminorm: boolean;
  /** The absolute tolerance of the backward solve, over that of the forward one. */
  readonly atolFactor: number;
}

/** Of the adjoint: dL/dh of a mean over so many digits and pixels is far below 1, and so below an absolute tolerance. */
const small = 1e-4;

export const ways = [
  { name: 'dopri5', solver: dopri5, seminorm: true, atolFactor: 1 },
  { name: 'dopri5, full norm', solver: dopri5, seminorm: false, atolFactor: 1 },
  { name: 'dopri5, atol · 1e-4 back', solver: dopri5, seminorm: true, atolFactor: small },
  { name: 'Adams', solver: adams, seminorm: true, atolFactor: 1 },
  { name: 'Adams, atol · 1e-4 back', solver: adams, seminorm: true, atolFactor: small },
] as const satisfies readonly Way[];

export interface BackwardSolve {
  readonly way: string;
  readonly tolerance: number;
  readonly forward: number;
  readonly backward: number;
  /** ‖g − exact‖ / ‖exact‖ of the gradient by all parameters, the exact one through the steps of a solve at 1e-6. */
  readonly error: number;
}

/** As in training. */
const together = 128;
const tight = 1e-6;

/** What is differentiated. */
interface Trained {
  readonly params: OdenetParams;
  readonly channels: number;
  readonly test: Digits;
}

/** One gradient for each way and tolerance; `onWay` is told before each way. */
export async function backwardSolves(
  trained: Trained,
  onWay: (name: string) => void,
  tried: readonly number[] = tolerances,
): Promise<BackwardSolve[]> {
  const steps = { solver: dopri5(), rtol: tight, atol: tight, gradient: direct() };
  const exact = (await gradientBy(steps, trained)).values;
  const solves: BackwardSolve[] = [];
  for (const way of ways) {
    onWay(way.name);
    for (const tolerance of tried) {
      const { seminorm, atolFactor } = way;
      const solver = way.solver();
      const gradient = backsolve({ seminorm, atol: atolFactor * tolerance });
      const solve = { solver, rtol: tolerance, atol: tolerance, gradient };
      const { values, forward, backward } = await gradientBy(solve, trained);
      const error = relativeError(values, exact);
      solves.push({ way: way.name, tolerance, forward, backward, error });
    }
  }
  return solves;
}

/** The gradient by all parameters, one after the other, and the evaluations that it took. */
async function gradientBy(
  solve: AdaptiveOptions<never>,
  { params, channels, test }: Trained,
): Promise<{ values: Float64Array; forward: number; backward: number }> {
  const evaluations = { forward: 0, backward: 0 };
  const onSolve = ({ nfe, pass }: SolveStats): void => {
    evaluations[pass] += nfe;
  };
  const network = odenet({ channels, block: { ...solve, onSolve } });
  const step = jit(
    grad((p: OdenetParams, { pictures, labels }: DigitTensors) =>
      crossEntropy(network.apply(p, pictures), labels),
    ),
  );
  const examples = Array.from({ length: Math.min(together, test.count) }, (_, i) => i);
  const batch = digitTensors(test, examples);
  const gradient = await step(params, batch);
  const leaves = await Promise.all(leavesWithPaths(gradient).map(({ tensor }) => tensor.data()));
  disposeTree([gradient, batch]);
  return {
    values: Float64Array.from(leaves.flatMap((leaf) => [...leaf].map(Number))),
    ...evaluations,
  };
}
