/** What is said where a training cannot go on: what happened, what is kept, and what to try. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { TrainingError } from '@neuralode/nn';
import { SolveError } from '@neuralode/solvers';
import { leavesWithPaths, NeuralodeError } from '@neuralode/tensor';
import { RunError } from '../failure.ts';
import { invocation } from '../terminal.ts';
import { type RunFolder, runFiles } from './run-folder.ts';

/** A library's error in the words of a person who types commands; any other as it is. */
export async function asRunError(error: unknown, done: number, folder: RunFolder) {
  const told = await wordsOf(error, done);
  if (told === undefined) {
    const cause = error instanceof TrainingError ? error.cause : undefined;
    return cause ?? error;
  }
  const advice = told.overflow ? adviceOnOverflow(folder) : adviceOnSolve(folder);
  return new RunError(`training stopped ${told.words} ${advice}`, { cause: error });
}

/** When it stopped and why, and whether numbers overflowed; nothing of an error that is not of the run. */
async function wordsOf(
  error: unknown,
  done: number,
): Promise<{ words: string; overflow: boolean } | undefined> {
  if (error instanceof SolveError) {
    const overflow = isOverflow(error);
    const why = overflow ? `${error.complaint.what}.` : error.message;
    // not in an iteration: what that left was solved with, to be scored
    return { words: `at the scores after iteration ${done}: ${why}`, overflow };
  }
  if (!(error instanceof TrainingError)) return undefined;
  const { cause, complaint, iteration, state } = error;
  if (cause !== undefined && !(cause instanceof NeuralodeError)) return undefined;
  const reason = (cause ?? error).complaint;
  // a complaint that names a place is of the data
  const overflow = complaint.got === undefined && (cause === undefined || isOverflow(cause));
  const why = overflow
    ? `${reason.what}${await sizeOf(state.params)}.`
    : (cause?.message ?? `${reason.what}.`);
  return { words: `in iteration ${iteration}: ${why}`, overflow };
}

const isOverflow = (error: unknown): boolean =>
  error instanceof SolveError && error.status === 'non-finite';

/** How large parameters have become: where they are not finite, or so large that what they make is not. */
async function sizeOf(params: unknown): Promise<string> {
  let largest = Number.NEGATIVE_INFINITY;
  for (const { path, tensor } of leavesWithPaths(params)) {
    for (const value of await tensor.data()) {
      if (!Number.isFinite(value)) return `, since parameters are not (${value} in ${path})`;
      largest = Math.max(largest, Math.abs(Number(value)));
    }
  }
  return largest < 0 ? '' : `, with parameters of up to ${largest.toPrecision(2)}`;
}

/** After parameters have grown too large. */
function adviceOnOverflow(folder: RunFolder): string {
  if (folder.record.command !== 'mnist') return adviceOnSolve(folder);
  const checkpoint = checkpointOf(folder);
  if (checkpoint === undefined) {
    return 'No checkpoint was kept so early: begin again with a smaller --learning-rate.';
  }
  return (
    `The last good checkpoint is kept in ${checkpoint}. Go on from it with a smaller --learning-rate: ` +
    `${invocation()} --resume --out ${folder.path} --learning-rate …`
  );
}

/** After a solve that did not come to its end. */
function adviceOnSolve(folder: RunFolder): string {
  const checkpoint = checkpointOf(folder);
  if (checkpoint === undefined) return 'Try another --seed or other tolerances.';
  return (
    `The last checkpoint is kept in ${checkpoint}. Go on from it with other tolerances (or, of mnist, a lower ` +
    `--learning-rate): ${invocation()} --resume --out ${folder.path} --rtol …`
  );
}

function checkpointOf({ path }: RunFolder): string | undefined {
  const checkpoint = join(path, runFiles.checkpoint);
  return existsSync(checkpoint) ? checkpoint : undefined;
}
