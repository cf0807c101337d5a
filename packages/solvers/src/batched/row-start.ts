/**
 * The first step of each row of a batched solve, by Hairer's rule (pace.ts): the device gives the norms of all rows at
 * once, the host decides row by row.
 */
import { type Graph, type Run, releaseAll, runGraph, type Slot } from '@neuralode/tensor';
import { readNumbers } from '../host-numbers.ts';
import { type AdaptivePace, firstStep, trialStep } from '../pace.ts';
import type { RowClock } from './row-clock.ts';
import type { RunnableRowGraph } from './row-graphs.ts';
import type { Cell } from './row-log.ts';
import type { RowMachine } from './row-machine.ts';
import type { StepGraphs } from '../step-graphs.ts';

/** Where a solve starts: the state, f there, and args. */
interface Start {
  readonly y: readonly Cell[];
  readonly k: readonly Cell[];
  readonly args: readonly Cell[];
}

const slotsOf = (cells: readonly Cell[]): Slot[] => cells.map(({ slot }) => slot);

/** Sets the size of every row's first step. Takes one more evaluation of the field. */
export function* chooseFirstSteps<R extends RunnableRowGraph>(
  rows: readonly RowClock[],
  errorOrder: number,
  graphs: StepGraphs,
  machine: RowMachine<R>,
  fail: (what: string, row: number) => never,
  { y, k, args }: Start,
): Run<void> {
  const { size, curvature, finite } = graphs as Required<StepGraphs>;
  const given: Slot[] = [];

  function* numbers(graph: Graph, operands: readonly Slot[]): Run<number[]> {
    const [slot] = yield* runGraph(graph, operands, machine.backend);
    return yield* readNumbers(slot);
  }
  // Finite values can have norms that are not: squares overflow.
  function* requireFinite(
    norms: readonly number[],
    leaves: readonly Cell[],
    what: string,
  ): Run<void> {
    if (norms.every(Number.isFinite)) return;
    const probes = yield* numbers(finite, slotsOf(leaves));
    const row = probes.findIndex((probe) => !Number.isFinite(probe));
    if (row >= 0) fail(`${what} is not finite`, row);
  }

  const state = slotsOf([...y, ...k]);
  const norms = yield* numbers(size, state);
  const [stateNorms, fieldNorms] = [norms.slice(0, rows.length), norms.slice(rows.length)];
  yield* requireFinite(stateNorms, y, 'the initial state');
  yield* requireFinite(fieldNorms, k, 'the field');
  const paces = rows.map(({ pace }) => pace as AdaptivePace);
  const trials = paces.map(({ limit }, r) => trialStep(stateNorms[r], fieldNorms[r], limit));
  try {
    given.push(machine.scalars(rows.map(({ t }) => t)));
    given.push(
      machine.scalars(trials.map((trial, r) => trial * Math.sign(rows[r].end - rows[r].t))),
    );
    const bends = yield* numbers(curvature, [...given, ...state, ...slotsOf(args)]);
    paces.forEach((pace, r) => {
      pace.size = firstStep(trials[r], fieldNorms[r], bends[r], errorOrder);
    });
  } finally {
    releaseAll(given);
  }
}
