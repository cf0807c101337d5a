/** Panel (c): evaluations of the adjoint's solve against those of the forward one, by solver and by error norm. */
import { backsolve } from '@neuralode/adjoint';
import { grad, jit } from '@neuralode/autodiff';
import { crossEntropy, odenet, type OdenetParams } from '@neuralode/odenet';
import { adams, type AdaptiveSolver, dopri5, type SolveStats } from '@neuralode/solvers';
import { disposeTree } from '@neuralode/tensor';
import { type Digits, digitTensors, type DigitTensors } from '../../mnist/digits.ts';
import type { BackendName } from '../../options.ts';
import { onFreshBackend } from '../fresh-backend.ts';
import { tolerances } from './forward-solves.ts';

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
}

/** As in training. */
const together = 128;

/** One gradient for each way and tolerance; `onWay` is told before each way. */
export async function backwardSolves(
  backend: BackendName,
  params: OdenetParams,
  channels: number,
  test: Digits,
  onWay: (name: string) => void,
  tried: readonly number[] = tolerances,
): Promise<BackwardSolve[]> {
  const solves: BackwardSolve[] = [];
  for (const way of ways) {
    onWay(way.name);
    for (const tolerance of tried) {
      const solve = await onFreshBackend(backend, params, (own) =>
        gradientAt(tolerance, way, own, channels, test),
      );
      solves.push(solve);
    }
  }
  return solves;
}

async function gradientAt(
  tolerance: number,
  way: Way,
  params: OdenetParams,
  channels: number,
  test: Digits,
): Promise<BackwardSolve> {
  const evaluations = { forward: 0, backward: 0 };
  const { seminorm, atolFactor } = way;
  const gradient = backsolve({ seminorm, atol: atolFactor * tolerance });
  const network = odenet({
    channels,
    block: {
      solver: way.solver(),
      rtol: tolerance,
      atol: tolerance,
      gradient,
      onSolve: ({ nfe, pass }: SolveStats) => {
        evaluations[pass] += nfe;
      },
    },
  });
  const step = jit(
    grad((p: OdenetParams, { pictures, labels }: DigitTensors) =>
      crossEntropy(network.apply(p, pictures), labels),
    ),
  );
  const examples = Array.from({ length: Math.min(together, test.count) }, (_, i) => i);
  const batch = digitTensors(test, examples);
  disposeTree([await step(params, batch), batch]);
  return { way: way.name, tolerance, ...evaluations };
}
