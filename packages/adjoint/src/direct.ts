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
import {
  type GradientMethod,
  runBatchedSolveWith,
  runOdeSolve,
  stepGraphs,
} from '@neuralode/solvers';
import type { Block, Tape } from '@neuralode/tensor';
import { recordedRows } from './recorded-rows.ts';
import { runBatchedBackward } from './batched-walk.ts';
import type { RowTapeEntry } from './batched-tape.ts';
import { walkBack } from './direct-run.ts';
import { rewindOf, type TapeEntry } from './direct-tape.ts';
import { lowerBackward, lowerTaped } from './lower-direct.ts';
import { recordedMethod } from './recorded-method.ts';
import { forwardHalves } from './split-solve.ts';

const batched = recordedRows({
  record: (inputs, attrs, backend) =>
    runTaped<RowTapeEntry>((tape) =>
      runBatchedSolveWith(inputs, attrs, backend, attrs.graphs, {
        keeps: true,
        note(event, residuals): void {
          tape.own(residuals);
          tape.entries.push({ event, residuals });
        },
      }),
    ),
  walk: (inputs, attrs, backend) =>
    runBatchedBackward(inputs, attrs, backend, rewindOf(inputs[0] as Tape<RowTapeEntry>)),
});

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
  batched,
});

/** Backpropagation through the recorded steps: exact for the discrete solution, memory linear in the steps. */
export function direct(): GradientMethod {
  return method;
}
