/** `mnist`: handwritten digits, told apart by an ODE-Net or one of the networks that the paper compares it with. */
import { useBackend } from '../backend.ts';
import { exitCodes, InputError } from '../failure.ts';
import type { MnistOptions, Request } from '../options.ts';
import { fromCheckpoint } from '../run/checkpoint.ts';
import { continuedOptions } from '../run/continued-options.ts';
import { finishRun } from '../run/finish.ts';
import {
  createRunFolder,
  openRunFolder,
  type RunFolder,
  requireFreeFolder,
  updateRecord,
} from '../run/run-folder.ts';
import { newRecord } from '../run/run-record.ts';
import { requireRoom, trainInterruptibly } from '../run/session.ts';
import { requireFittingOptions } from '../solve-options.ts';
import { invocation, type Terminal } from '../terminal.ts';
import { neededFiles, readDigits } from './digits.ts';
import { mnistOutcome } from './mnist-outcome.ts';
import { MnistTraining } from './mnist-training.ts';

/** The handler of the command. */
export function runMnist(terminal: Terminal) {
  return async (request: Request<MnistOptions>): Promise<number> => {
    const { flags } = request;
    const begun = flags.resume ? await openRunFolder(flags.out, 'mnist') : undefined;
    const options = begun === undefined ? request.options : continuedOptions(begun, request);
    requireData(options);
    requireFittingOptions(options, request.given);
    if (begun === undefined) await requireFreeFolder(flags.out);
    const digits = {
      training: await readDigits(options.data, 'training'),
      test: await readDigits(options.data, 'test'),
    };
    requireBatch(options, digits.training.count);
    await useBackend(options.backend);
    const training = await fromCheckpoint(
      begun?.path,
      (bytes) => new MnistTraining(options, digits, bytes),
    );
    requireRoom(training);
    const folder = await folderOf(begun, options, request);
    terminal.stderr.write(`${options.model} on ${digits.training.count} digits\n`);
    terminal.stderr.write(`run folder: ${folder.path}\n`);
    const trained = await trainInterruptibly(training, folder, terminal, 'mnist');
    if (trained.stopped) return exitCodes.stopped;
    terminal.stderr.write('scoring the test digits for the report\n');
    const outcome = await mnistOutcome({ options, training, trained, test: digits.test });
    return finishRun(folder, outcome, flags, terminal);
  };
}

function requireData({ data }: Partial<MnistOptions>): void {
  if (data !== undefined) return;
  throw new InputError(
    `mnist: no folder of data was named; ${neededFiles}. Then: ${invocation()} mnist --data FOLDER`,
  );
}

function requireBatch({ batch }: MnistOptions, count: number): void {
  if (batch <= count) return;
  throw new InputError(`--batch ${batch}: there are only ${count} digits to train on.`);
}

function folderOf(
  begun: RunFolder | undefined,
  options: MnistOptions,
  { command, flags }: Request<MnistOptions>,
): Promise<RunFolder> {
  if (begun !== undefined) return updateRecord(begun, { ...begun.record, options: { ...options } });
  return createRunFolder(newRecord(command, { ...options }), options.model, flags.out);
}
