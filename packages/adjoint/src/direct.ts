/**
 * `direct()`: backpropagation through the accepted steps. Exact for the discrete solution; memory grows with the steps.
 *
 * The forward solve keeps the residuals of every graph that it ran on the way to the result (first stages, steps,
 * interpolations) on a tape; the backward pass walks the tape from its end. Steps are graphs, so their reverse mode is
 * `split` of any method's step, and no method needs a rule of its own here.
 *
 * What the step-size control decided is held fixed, in proportion: a step from the fraction σ of a stretch [a, b] over
 * the fraction δ stays that when a or b moves. So the times have derivatives too.
 */
import { runTaped } from '@neuralode/autodiff';
import { type GradientMethod, runOdeSolve, stepGraphs } from '@neuralode/solvers';
import type { Block, Tape } from '@neuralode/tensor';
import { batchedVjp } from './direct-batched.ts';
import { walkBack } from './direct-run.ts';
import type { Rewind, TapeEntry } from './direct-tape.ts';
import { lowerBackward, lowerTaped } from './lower-direct.ts';
import { recordedMethod } from './recorded-method.ts';
import { forwardHalves } from './split-solve.ts';

/** The whole tape at once. */
function rewindOf({ entries }: Tape<TapeEntry>): Rewind {
  let left: readonly TapeEntry[] | undefined = entries;
  return {
    events: entries.map(({ event }) => event),
    evaluations: 0,
    // biome-ignore lint/correctness/useYield: a tape has all residuals at hand
    *previous() {
      const stretch = left;
      left = undefined;
      return stretch;
    },
  };
}

const method = recordedMethod({
  name: 'direct',
  graphs: stepGraphs,
  record(inputs, attrs, backend) {
    const runnable = forwardHalves(attrs.halves, stepGraphs(attrs));
    return runTaped<TapeEntry>((tape) =>
      runOdeSolve(inputs, attrs, backend, runnable, {
        note(event, residuals): void {
          tape.own(residuals);
          tape.entries.push({ event, residuals });
        },
      }),
    );
  },
  walk: (inputs, attrs, backend) =>
    walkBack(inputs, attrs, backend, rewindOf(inputs[0] as Tape<TapeEntry>)),
  lowerRecord: (code, inputs, outputs, attrs) =>
    lowerTaped(code, inputs as readonly Block[], outputs, attrs),
  lowerWalk: (code, inputs, outputs, attrs) =>
    lowerBackward(code, inputs, outputs as readonly Block[], attrs),
  batched: batchedVjp,
});

/** Backpropagation through the recorded steps: exact for the discrete solution, memory linear in the steps. */
export function direct(): GradientMethod {
  return method;
}
