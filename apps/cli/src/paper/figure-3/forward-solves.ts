/** Panels (a) and (b): what a tolerance costs and gives in the forward solve of a trained block. */
import { jit } from '@neuralode/autodiff';
import { convField, downsampling, odeBlock, type OdenetParams } from '@neuralode/odenet';
import { dopri5, type SolveStats } from '@neuralode/solvers';
import { disposeTree, evaluate, mapTree, type Tensor } from '@neuralode/tensor';
import { type Digits, digitTensors } from '../../mnist/digits.ts';

/** 1e0 to 1e-5 in half decades. */
export const tolerances: readonly number[] = Array.from({ length: 11 }, (_, i) => 10 ** (-i / 2));

export interface ForwardSolve {
  readonly tolerance: number;
  readonly evaluations: number;
  /** ‖h(1) − exact‖ / ‖exact‖ over all digits of the solve, the exact one by float64 at 1e-7. */
  readonly error: number;
  /** Of the processor, the fastest of a few: what else the machine does counts for less than by the clock. */
  readonly seconds: number;
}

/** Digits solved together, so many times. */
const together = 100;
const repeats = 3;
const timings = 8;

/** Of the first test digits. */
export async function forwardSolves(
  params: OdenetParams,
  channels: number,
  test: Digits,
  tried: readonly number[] = tolerances,
): Promise<ForwardSolve[]> {
  const start = downsampling(1, channels, 'convolutions');
  const solves: ForwardSolve[] = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    const examples = Array.from(
      { length: together },
      (_, i) => (repeat * together + i) % test.count,
    );
    const batch = digitTensors(test, examples);
    const state = await evaluate(() => start.apply(params.downsampling, batch.pictures));
    const exact = await exactEnd(params, channels, state);
    const begun: Timed[] = [];
    for (const tolerance of tried) {
      begun.push(await solveAt(tolerance, params, channels, state, exact));
    }
    const seconds = await fastest(begun);
    solves.push(...begun.map(({ again: _, ...solve }, i) => ({ ...solve, seconds: seconds[i]! })));
    disposeTree([batch, state]);
  }
  return solves;
}

/** The state at the end, in float64. */
async function exactEnd(
  params: OdenetParams,
  channels: number,
  state: Tensor,
): Promise<Float64Array> {
  const wide = (tree: unknown) => mapTree(tree, (leaf: Tensor) => leaf.cast('float64'));
  const given = wide({ params: params.middle, state }) as {
    params: OdenetParams['middle'];
    state: Tensor;
  };
  const block = odeBlock(convField(channels), { solver: dopri5(), rtol: 1e-7, atol: 1e-7 });
  const end = await evaluate(() => block.apply(given.params, given.state));
  const values = Float64Array.from(await end.data(), Number);
  disposeTree([given, end]);
  return values;
}

/** A solve that can be done again. */
interface Timed extends Omit<ForwardSolve, 'seconds'> {
  readonly again: () => Promise<Tensor>;
}

async function solveAt(
  tolerance: number,
  params: OdenetParams,
  channels: number,
  state: Tensor,
  exact: Float64Array,
): Promise<Timed> {
  let evaluations = 0;
  const block = odeBlock(convField(channels), {
    solver: dopri5(),
    rtol: tolerance,
    atol: tolerance,
    onSolve: ({ nfe }: SolveStats) => {
      evaluations = nfe;
    },
  });
  const solve = jit((p: OdenetParams['middle'], h: Tensor) => block.apply(p, h));
  const first = await solve(params.middle, state);
  const error = relativeError(await first.data(), exact);
  first.dispose();
  return { tolerance, evaluations, error, again: () => solve(params.middle, state) };
}

/** The least seconds of each, in turns, so that a busy moment falls on all. */
async function fastest(solves: readonly Timed[]): Promise<number[]> {
  const seconds = solves.map(() => Number.POSITIVE_INFINITY);
  for (let turn = 0; turn < timings; turn++) {
    for (const [i, { again }] of solves.entries()) {
      const begun = process.cpuUsage();
      const end = await again();
      await end.data();
      const { user, system } = process.cpuUsage(begun);
      seconds[i] = Math.min(seconds[i]!, (user + system) / 1e6);
      end.dispose();
    }
  }
  return seconds;
}

export function relativeError(values: ArrayLike<number>, exact: ArrayLike<number>): number {
  let difference = 0;
  let size = 0;
  for (let i = 0; i < exact.length; i++) {
    difference += (values[i]! - exact[i]!) ** 2;
    size += exact[i]! ** 2;
  }
  return Math.sqrt(difference / size);
}
