/**
 * The folder of a run. A new run gets a folder of its own and never writes over anything; a continued one finds its
 * folder again.
 */
import { mkdir, readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { InputError } from '../failure.ts';
import { removeParts, writeWhole } from './atomic-file.ts';
import { type CommandName, type RunRecord, readRecord, recordFile } from './run-record.ts';

/** Where runs go that are given no folder, below where the person stands. */
export const runsFolder = 'runs';

export interface RunFolder {
  /** As shown to the person: relative to where they stand, if it is below. */
  readonly path: string;
  readonly record: RunRecord;
}

/** The files of a run. */
export const runFiles = {
  record: recordFile,
  metrics: 'metrics.jsonl',
  checkpoint: 'checkpoint.safetensors',
  summary: 'summary.json',
  report: 'report.html',
} as const;

/** Says no before any work is done if `--out` names a folder that must not be written to. */
export async function requireFreeFolder(out: string | undefined): Promise<void> {
  if (out === undefined) return;
  const entries = await entriesOf(out);
  if (entries === undefined || entries.length === 0) return;
  const record = await readRecord(out);
  if (record !== undefined) {
    throw new InputError(
      `${out}: this folder holds a run of "${record.command}" begun ${record.started}; ` +
        'continue it with --resume, or name another folder.',
    );
  }
  throw new InputError(`${out}: this folder is not empty and holds no run; name another folder.`);
}

/** Makes the folder of a new run: `out`, or `runs/<command>-<subject>-<time>`. */
export async function createRunFolder(
  record: RunRecord,
  subject: string | undefined,
  out: string | undefined,
): Promise<RunFolder> {
  await requireFreeFolder(out);
  const path = out ?? (await unusedName(record, subject));
  await mkdir(path, { recursive: true });
  return writeRecord(shown(path), record);
}

/** The folder of a run that was begun, with the options of `record` from now on; or that of the new run which that is of. */
export async function folderOfRun(
  begun: RunFolder | undefined,
  record: RunRecord,
  subject: string | undefined,
  out: string | undefined,
): Promise<RunFolder> {
  if (begun === undefined) return createRunFolder(record, subject, out);
  return writeRecord(begun.path, { ...begun.record, options: record.options });
}

async function writeRecord(path: string, record: RunRecord): Promise<RunFolder> {
  await writeWhole(join(path, recordFile), `${JSON.stringify(record, null, 2)}\n`);
  return { path, record };
}

/** Finds the run to continue: the one in `out`, or the newest (of `command`, if named). */
export async function openRunFolder(
  out: string | undefined,
  command: CommandName | undefined,
): Promise<RunFolder> {
  const folder = out === undefined ? await newestRun(command) : await runIn(out);
  if (command !== undefined && folder.record.command !== command) {
    throw new InputError(
      `${folder.path}: this is a run of "${folder.record.command}", not of "${command}"; ` +
        `continue it with: neuralode ${folder.record.command} --resume --out ${folder.path}`,
    );
  }
  await removeParts(folder.path, Object.values(runFiles));
  return folder;
}

async function runIn(out: string): Promise<RunFolder> {
  const entries = await entriesOf(out);
  if (entries === undefined) throw new InputError(`${out}: there is no such folder to resume.`);
  const record = await readRecord(out);
  if (record === undefined) {
    throw new InputError(`${out}: there is no run in this folder to resume (no ${recordFile}).`);
  }
  return { path: shown(out), record };
}

async function newestRun(command: CommandName | undefined): Promise<RunFolder> {
  const found: RunFolder[] = [];
  for (const name of (await entriesOf(runsFolder)) ?? []) {
    const path = join(runsFolder, name);
    const record = await readRecord(path);
    if (record !== undefined && (command === undefined || record.command === command)) {
      found.push({ path, record });
    }
  }
  const newest = found.sort((a, b) => (a.record.started < b.record.started ? 1 : -1))[0];
  if (newest !== undefined) return newest;
  const what = command === undefined ? 'run' : `run of "${command}"`;
  throw new InputError(
    `there is no ${what} in ${runsFolder}/ to resume; name its folder with --out, or leave --resume out.`,
  );
}

/** Undefined where nothing stands yet. */
async function entriesOf(folder: string): Promise<string[] | undefined> {
  try {
    return await readdir(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (code === 'ENOTDIR') throw new InputError(`${folder}: this is a file, not a folder.`);
    throw error;
  }
}

async function unusedName(record: RunRecord, subject: string | undefined): Promise<string> {
  const name = [record.command, subject, timeStamp(new Date(record.started))]
    .filter((part) => part !== undefined && part !== '')
    .join('-');
  const taken = new Set((await entriesOf(runsFolder)) ?? []);
  let unused = name;
  for (let i = 2; taken.has(unused); i++) unused = `${name}-${i}`;
  return join(runsFolder, unused);
}

/** 20260330-140502, by the person's clock. */
function timeStamp(time: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const date = `${time.getFullYear()}${two(time.getMonth() + 1)}${two(time.getDate())}`;
  return `${date}-${two(time.getHours())}${two(time.getMinutes())}${two(time.getSeconds())}`;
}

function shown(path: string): string {
  const below = relative(process.cwd(), path);
  return below === '' || below.startsWith('..') ? path : below;
}
