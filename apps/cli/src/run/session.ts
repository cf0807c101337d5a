/** A training as a person lives through it: progress, Ctrl-C, and what is said when it stops early. */
import { InputError } from '../failure.ts';
import { createProgress } from '../progress/progress.ts';
import { invocation, type Terminal } from '../terminal.ts';
import { asRunError } from './failed-run.ts';
import { listenForInterrupt } from './interrupt.ts';
import type { RunFolder } from './run-folder.ts';
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
    throw await asRunError(error, training.done, folder);
  } finally {
    interrupt.release();
  }
}

function stoppedText({ done, iterations }: Training, { path }: RunFolder): string {
  const resume = `${invocation()} --resume --out ${path}`;
  return `stopped after iteration ${done} of ${iterations}, checkpoint written; go on with: ${resume}\n`;
}
