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
  requireKnownOptions,
  runOdeSolve,
  solveInputs,
} from '@neuralode/solvers';
import { ArgumentError } from '@neuralode/tensor';
import { Checkpoints } from './checkpoints.ts';
import { walkBack } from './direct-run.ts';
import { recordedMethod } from './recorded-method.ts';
import { Replay } from './replay.ts';
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
 * @throws ArgumentError if the budget is not a whole number above 0, or the solve is batched
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
      const checkpoints = inputs[0] as Checkpoints;
      const own = withoutErrors(loop);
      const solve = {
        attrs: loop,
        inputs: solveInputs(inputs.slice(1, 1 + needs.length), loop),
        checkpoints,
        observations: checkpoints.observations,
        plain: { ...own, own },
        taped: forwardHalves(halves, own),
      };
      const replay = new Replay(solve, backend);
      try {
        return yield* walkBack(inputs, attrs, backend, replay);
      } finally {
        replay.release();
      }
    },
    batched() {
      throw new ArgumentError({
        what: 'checkpointed: a batched solve, whose rows have steps of their own, cannot be repeated from kept states',
        remedy: 'Use direct() or backsolve(); or leave batched out, for common steps',
      });
    },
  });
}
