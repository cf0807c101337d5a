/**
 * A network trained on the digits in a folder of its own: begun where there is none, gone on with where it was stopped,
 * and read where it is done. So a figure that takes hours is made in as many sittings as one likes.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../failure.ts';
import { type DigitSets, type MnistRun, tellMnist, trainMnist } from '../mnist/mnist-run.ts';
import type { MnistOptions, PaperOptions } from '../options.ts';
import { folderOfRun, openRunFolder, type RunFolder, runFiles } from '../run/run-folder.ts';
import { newRecord, readRecord } from '../run/run-record.ts';
import { invocation, type Terminal } from '../terminal.ts';
import { neededFiles } from '../mnist/digits.ts';

/** The usual options of such a run. */
export const usualMnist = {
  model: 'odenet',
  solver: 'dopri5',
  gradient: 'backsolve',
  rtol: 1e-3,
  atol: 1e-3,
  batch: 128,
  blocks: 6,
  optimiser: 'adam',
  crop: 0,
} as const satisfies Partial<MnistOptions>;

/** The folder of digits, or a sentence of what is needed. */
export function requiredData({ figure, data }: PaperOptions): string {
  if (data !== undefined) return data;
  throw new InputError(
    `paper ${figure}: no folder of data was named; ${neededFiles}. Then: ${invocation()} paper ${figure} --data FOLDER`,
  );
}

/** Undefined where Ctrl-C stopped it before its end. More epochs than it began with are gone on to. */
export async function keptRun(
  path: string,
  options: MnistOptions,
  digits: DigitSets,
  terminal: Terminal,
): Promise<MnistRun | undefined> {
  const isBegun = (await readRecord(path)) !== undefined;
  const begun = isBegun ? await openRunFolder(path, 'mnist') : undefined;
  if (begun !== undefined) requireSame(begun, options);
  const isTold =
    begun?.record.options.epochs === options.epochs && existsSync(join(path, runFiles.summary));
  const folder = () => folderOfRun(begun, newRecord('mnist', { ...options }), options.model, path);
  const run = await trainMnist(options, digits, { begun, folder }, terminal);
  if (run.trained.stopped) return undefined;
  if (!isTold) {
    const flags = { resume: isBegun, json: false };
    await tellMnist(run, run.folder, flags, { ...terminal, stdout: terminal.stderr });
  }
  return run;
}

function requireSame({ path, record }: RunFolder, options: MnistOptions): void {
  const text = (value: unknown): string => JSON.stringify(value) ?? 'none';
  for (const [name, now] of Object.entries(options)) {
    const then = record.options[name];
    if (name === 'data' || name === 'threads' || text(now) === text(then)) continue;
    if (name === 'epochs' && options.epochs > Number(then)) continue;
    throw new InputError(
      `${path}: this folder holds a run with ${name} ${text(then)}, and ${text(now)} is asked for; ` +
        'it goes on to more epochs only, or name another folder with --runs.',
    );
  }
}
