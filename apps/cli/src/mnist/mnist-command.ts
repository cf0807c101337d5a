/** `mnist`: handwritten digits, told apart by an ODE-Net or one of the networks that the paper compares it with. */
import { useBackend } from '../backend.ts';
import { exitCodes, InputError } from '../failure.ts';
import type { MnistOptions, Request } from '../options.ts';
import { continuedOptions } from '../run/continued-options.ts';
import {
  folderOfRun,
  openRunFolder,
  type RunFolder,
  requireFreeFolder,
} from '../run/run-folder.ts';
import { newRecord } from '../run/run-record.ts';
import { requireFittingOptions } from '../solve-options.ts';
import { invocation, type Terminal } from '../terminal.ts';
import { neededFiles } from './digits.ts';
import { readDigitSets, tellMnist, trainMnist } from './mnist-run.ts';

/** The handler of the command. */
export function runMnist(terminal: Terminal) {
  return async (request: Request<MnistOptions>): Promise<number> => {
    const { flags } = request;
    const begun = flags.resume ? await openRunFolder(flags.out, 'mnist') : undefined;
    const options = begun === undefined ? request.options : continuedOptions(begun, request);
    requireData(options);
    requireFittingOptions(options, request.given);
    if (begun === undefined) await requireFreeFolder(flags.out);
    const digits = await readDigitSets(options.data);
    requireBatch(options, digits.training.count);
    await useBackend(options.backend, options.threads);
    const place = { begun, folder: () => folderOf(begun, options, request) };
    const run = await trainMnist(options, digits, place, terminal);
    if (run.trained.stopped) return exitCodes.stopped;
    return tellMnist(run, run.folder, flags, terminal);
  };
}

export function requireData({ data }: Partial<MnistOptions>): void {
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
  return folderOfRun(begun, newRecord(command, { ...options }), options.model, flags.out);
}
