/** `cnf`: a continuous normalizing flow on a toy distribution. */
import { useBackend } from '../backend.ts';
import { exitCodes } from '../failure.ts';
import type { CnfOptions, Request } from '../options.ts';
import { fromCheckpoint } from '../run/checkpoint.ts';
import { continuedOptions } from '../run/continued-options.ts';
import { finishRun } from '../run/finish.ts';
import {
  folderOfRun,
  openRunFolder,
  type RunFolder,
  requireFreeFolder,
} from '../run/run-folder.ts';
import { newRecord } from '../run/run-record.ts';
import { requireRoom, trainInterruptibly } from '../run/session.ts';
import { requireFittingOptions } from '../solve-options.ts';
import type { Terminal } from '../terminal.ts';
import { cnfOutcome } from './cnf-outcome.ts';
import { CnfTraining } from './cnf-training.ts';

/** The handler of the command. */
export function runCnf(terminal: Terminal) {
  return async (request: Request<CnfOptions>): Promise<number> => {
    const begun = request.flags.resume ? await openRunFolder(request.flags.out, 'cnf') : undefined;
    const options = begun === undefined ? request.options : continuedOptions(begun, request);
    requireFittingOptions(options, request.given);
    if (begun === undefined) await requireFreeFolder(request.flags.out);
    await useBackend(options.backend);
    const training = await fromCheckpoint(begun?.path, (bytes) => new CnfTraining(options, bytes));
    requireRoom(training);
    const folder = await folderOf(begun, options, request);
    terminal.stderr.write(`a flow of width ${options.width} on ${options.data}\n`);
    terminal.stderr.write(`run folder: ${folder.path}\n`);
    const trained = await trainInterruptibly(training, folder, terminal, 'cnf');
    if (trained.stopped) return exitCodes.stopped;
    terminal.stderr.write('drawing the report\n');
    const outcome = await cnfOutcome({ options, training, trained });
    return finishRun(folder, outcome, request.flags, terminal);
  };
}

function folderOf(
  begun: RunFolder | undefined,
  options: CnfOptions,
  { command, flags }: Request<CnfOptions>,
): Promise<RunFolder> {
  return folderOfRun(begun, newRecord(command, { ...options }), options.data, flags.out);
}
