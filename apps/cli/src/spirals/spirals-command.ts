/** `spirals`: the paper's latent ODE on its spirals, beside the paper's baseline. */
import { useBackend } from '../backend.ts';
import { exitCodes } from '../failure.ts';
import type { Request, SpiralsOptions } from '../options.ts';
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
import { drawSpirals, spanTimes } from './spirals-data.ts';
import { spiralsOutcome } from './spirals-outcome.ts';
import { SpiralsTraining } from './spirals-training.ts';

/** What is asked for, with the options complete. */
interface Plan {
  readonly options: SpiralsOptions;
  /** Present where a run is continued. */
  readonly folder?: RunFolder;
}

/** The handler of the command. */
export function runSpirals(terminal: Terminal) {
  return async (request: Request<SpiralsOptions>): Promise<number> => {
    const { options, folder: begun } = await planOf(request);
    requireFittingOptions(options, request.given);
    await useBackend(options.backend);
    const data = drawSpirals(options.points, options.seed);
    const training = await fromCheckpoint(
      begun?.path,
      (bytes) => new SpiralsTraining(data, options, bytes),
    );
    requireRoom(training);
    const folder = await folderOf({ options, ...(begun && { folder: begun }) }, request);
    announce(options, folder, terminal);
    const trained = await trainInterruptibly(training, folder, terminal, 'spirals');
    if (trained.stopped) return exitCodes.stopped;
    const outcome = await spiralsOutcome({ options, data, training, trained });
    return finishRun(folder, outcome, request.flags, terminal);
  };
}

async function planOf(request: Request<SpiralsOptions>): Promise<Plan> {
  const { options, flags } = request;
  if (flags.resume) {
    const folder = await openRunFolder(flags.out, 'spirals');
    return { options: continuedOptions(folder, request), folder };
  }
  await requireFreeFolder(flags.out);
  return { options };
}

function folderOf(
  { options, folder }: Plan,
  { flags, command }: Request<SpiralsOptions>,
): Promise<RunFolder> {
  return folderOfRun(folder, newRecord(command, { ...options }), undefined, flags.out);
}

function announce({ points }: SpiralsOptions, { path }: RunFolder, { stderr }: Terminal): void {
  const seen = points < spanTimes ? `${points} of ${spanTimes} times` : `${spanTimes} times`;
  stderr.write(
    `1000 noisy spirals, each observed at ${seen}; a latent ODE and an RNN, trained in turns for the same wall time\n`,
  );
  stderr.write(`run folder: ${path}\n`);
}
