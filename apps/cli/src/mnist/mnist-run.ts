/** A run of `mnist` from its folder on: trained to its end, or to Ctrl-C, and told. */
import type { MnistOptions, RunFlags } from '../options.ts';
import { fromCheckpoint } from '../run/checkpoint.ts';
import { finishRun } from '../run/finish.ts';
import type { RunFolder } from '../run/run-folder.ts';
import { requireRoom, trainInterruptibly } from '../run/session.ts';
import type { Trained } from '../run/train.ts';
import type { Terminal } from '../terminal.ts';
import { type Digits, readDigits } from './digits.ts';
import { mnistOutcome } from './mnist-outcome.ts';
import { MnistTraining } from './mnist-training.ts';

/** What is trained on, and what is held out. */
export interface DigitSets {
  readonly training: Digits;
  readonly test: Digits;
}

export async function readDigitSets(folder: string): Promise<DigitSets> {
  return {
    training: await readDigits(folder, 'training'),
    test: await readDigits(folder, 'test'),
  };
}

export interface MnistRun {
  readonly options: MnistOptions;
  readonly digits: DigitSets;
  readonly training: MnistTraining;
  readonly trained: Trained;
}

/** Where to go on from, if anywhere, and where to write: `folder` is called once nothing can be wrong with the request. */
export interface RunPlace {
  readonly begun: RunFolder | undefined;
  readonly folder: () => Promise<RunFolder>;
}

/** Trains, going on from the folder's checkpoint where there is one. */
export async function trainMnist(
  options: MnistOptions,
  digits: DigitSets,
  place: RunPlace,
  terminal: Terminal,
): Promise<MnistRun & { readonly folder: RunFolder }> {
  const training = await fromCheckpoint(
    place.begun?.path,
    (bytes) => new MnistTraining(options, digits, bytes),
  );
  requireRoom(training);
  const folder = await place.folder();
  terminal.stderr.write(`${options.model} on ${digits.training.count} digits\n`);
  terminal.stderr.write(`run folder: ${folder.path}\n`);
  const trained = await trainInterruptibly(training, folder, terminal, 'mnist');
  return { options, digits, training, trained, folder };
}

/** Scores the test digits, and writes summary and report; the exit code. */
export async function tellMnist(
  run: MnistRun,
  folder: RunFolder,
  flags: RunFlags,
  terminal: Terminal,
): Promise<number> {
  terminal.stderr.write('scoring the test digits for the report\n');
  const { options, training, trained, digits } = run;
  const outcome = await mnistOutcome({ options, training, trained, test: digits.test });
  return finishRun(folder, outcome, flags, terminal);
}
