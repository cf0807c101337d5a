/**
 * `checkpointed()`: the gradient of `direct()`, bit for bit, with a bounded number of kept states. What was not kept is
 * repeated, from the nearest state that was (checkpoint-schedule.ts says which are).
 *
 * The course of the solve is recorded, so nothing is decided again: a step that is repeated has the same time, length,
 * kind and coefficients. A kept state has with it all that its later steps depend on: what earlier steps left to them,
 * and what an implicit method keeps for its iterations. Only one step at a time has its residuals in memory.
 */
import {
  type GradientMethod,
  noLog,
  requireKnownOptions,
  runBatchedSolveWith,
  runOdeSolve,
  type SolveEvent,
  solveInputs,
  type Standing,
} from '@neuralode/solvers';
import { ArgumentError } from '@neuralode/tensor';
import { Checkpoints } from './checkpoints.ts';
import { runBatchedBackward } from './batched-walk.ts';
import type { RowCourseEvent } from './batched-tape.ts';
import { walkBack } from './direct-run.ts';
import { Passage } from './passage.ts';
import { recordedMethod } from './recorded-method.ts';
import { recordedRows } from './recorded-rows.ts';
import { Replay } from './replay.ts';
import { RowCheckpoints, type RowStanding } from './row-checkpoints.ts';
import { RowPassage } from './row-passage.ts';
import { forwardHalves, withoutErrors } from './split-solve.ts';

/** Settings of `checkpointed`. */
export interface CheckpointedOptions {
  /**
   * The most states kept at once, beside the initial one and the one that the solve is at. With s = budget + 1, about
   * (s + r)! / (s! r!) steps can be walked back with each repeated r + 1 times at most: by default, 32, some 600 steps
   * with r = 2, and 7000 with r = 3.
   */
  readonly budget?: number;
}

function requireBudget(budget: number): void {
  if (Number.isInteger(budget) && budget > 0) return;
  throw new ArgumentError({
    what: 'checkpointed: the budget is a number of states to keep',
    got: String(budget),
    expected: 'a whole number, 1 or more',
  });
}

/**
 * Backpropagation through the steps, the same as `direct()`, in the memory of `budget` states and one step; what is not
 * kept is computed again.
 *
 * @throws ArgumentError if the budget is not a whole number above 0
 */
export function checkpointed({ budget = 32, ...others }: CheckpointedOptions = {}): GradientMethod {
  requireKnownOptions(others, ['budget'], 'checkpointed');
  requireBudget(budget);
  return recordedMethod({
    name: 'checkpointed',
    graphs: withoutErrors,
    *record(inputs, attrs, backend) {
      const checkpoints = new Checkpoints(budget);
      try {
        const outputs = yield* runOdeSolve(inputs, attrs, backend, undefined, checkpoints);
        return [...outputs, checkpoints];
      } catch (error) {
        checkpoints.release();
        throw error;
      }
    },
    *walk(inputs, attrs, backend) {
      const { loop, needs, halves } = attrs;
      const kept = inputs[0] as Checkpoints;
      const own = withoutErrors(loop);
      const solve = {
        attrs: loop,
        inputs: solveInputs(inputs.slice(1, 1 + needs.length), loop),
        observations: kept.observations,
      };
      const plain = { ...own, own };
      const taped = forwardHalves(halves, own);
      const replay = new Replay<SolveEvent, Standing>({
        kept,
        way: (note) =>
          note === undefined
            ? new Passage(solve, plain, noLog, backend)
            : new Passage(solve, taped, { note }, backend),
      });
      try {
        return yield* walkBack(inputs, attrs, backend, replay);
      } finally {
        replay.release();
      }
    },
    batched: recordedRows({
      *record(inputs, attrs, backend) {
        const checkpoints = new RowCheckpoints(budget);
        try {
          const { graphs } = attrs;
          const run = runBatchedSolveWith(inputs, attrs, backend, graphs, checkpoints);
          return [...(yield* run), checkpoints];
        } catch (error) {
          checkpoints.release();
          throw error;
        }
      },
      *walk(inputs, attrs, backend) {
        const { loop, needs } = attrs;
        const given = inputs.slice(1, 1 + needs.length);
        const replay = new Replay<RowCourseEvent, RowStanding>({
          kept: inputs[0] as RowCheckpoints,
          way: (note) => new RowPassage(given, loop, backend, note),
        });
        try {
          return yield* runBatchedBackward(inputs, attrs, backend, replay);
        } finally {
          replay.release();
        }
      },
    }),
  });
}
