/** A training as a person lives through it: progress, Ctrl-C, and what is said when it stops early. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { TrainingError } from '@neuralode/nn';
import { NeuralodeError } from '@neuralode/tensor';
import { InputError, RunError } from '../failure.ts';
import { createProgress } from '../progress/progress.ts';
import { invocation, type Terminal } from '../terminal.ts';
import { listenForInterrupt } from './interrupt.ts';
import { type RunFolder, runFiles } from './run-folder.ts';
import { type Trained, train } from './train.ts';
import type { Training } from './training.ts';

/** Refuses to end a run before where it stands. */
export function requireRoom({ done, iterations }: Training): void {
  if (done <= iterations) return;
  throw new InputError(`--epochs ${iterations}: the run has done ${done} iterations already.`);
}

/** Trains to the end or to Ctrl-C. */
export async function trainInterruptibly(
  training: Training,
  folder: RunFolder,
  { stderr }: Terminal,
  title: string,
): Promise<Trained> {
  if (training.done > 0) stderr.write(`going on after iteration ${training.done}\n`);
  const progress = createProgress(stderr, title);
  const interrupt = listenForInterrupt((line) => progress.say(line));
  try {
    const trained = await train(training, {
      folder: folder.path,
      progress,
      signal: interrupt.signal,
    });
    if (trained.stopped) stderr.write(stoppedText(training, folder));
    return trained;
  } catch (error) {
    throw asRunError(error, folder);
  } finally {
    interrupt.release();
  }
}

function stoppedText({ done, iterations }: Training, { path }: RunFolder): string {
  const resume = `${invocation()} --resume --out ${path}`;
  return `stopped after iteration ${done} of ${iterations}, checkpoint written; go on with: ${resume}\n`;
}

/** The words of a library's error, for a person who types commands. */
function asRunError(error: unknown, { path }: RunFolder): unknown {
  if (!(error instanceof TrainingError)) return error;
  const { cause, complaint, iteration } = error;
  if (cause !== undefined && !(cause instanceof NeuralodeError)) return cause;
  const why = cause?.message ?? `${complaint.what}.`;
  return new RunError(`training stopped in iteration ${iteration}: ${why} ${remedy(path)}`, {
    cause: error,
  });
}

function remedy(folder: string): string {
  const checkpoint = join(folder, runFiles.checkpoint);
  if (!existsSync(checkpoint)) return 'Try another --seed or other tolerances.';
  return (
    `The last checkpoint is kept in ${checkpoint}. Go on from it with other tolerances (or, of mnist, a lower ` +
    `--learning-rate): ${invocation()} --resume --out ${folder} --rtol …`
  );
}
