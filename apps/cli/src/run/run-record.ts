/** `run.json`: what a run is, enough to continue it or to do it again. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '../failure.ts';
import { version } from '../version.ts';

const commandNames = ['fit', 'spirals', 'cnf', 'mnist'] as const;
export type CommandName = (typeof commandNames)[number];

/** The table of a run, and a mark of its content. */
export interface DataRecord {
  readonly file: string;
  readonly sha256: string;
}

export interface RunRecord {
  /** The version of this file's layout. */
  readonly format: 1;
  readonly command: CommandName;
  /** The options in full, defaults included. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly data?: DataRecord;
  /** ISO time. */
  readonly started: string;
  readonly versions: Readonly<Record<string, string>>;
}

export const recordFile = 'run.json';

/** The record of a run that begins now. */
export function newRecord(
  command: CommandName,
  options: Readonly<Record<string, unknown>>,
  data?: DataRecord,
): RunRecord {
  return {
    format: 1,
    command,
    options,
    ...(data === undefined ? {} : { data }),
    started: new Date().toISOString(),
    versions: { neuralode: version(), node: process.version },
  };
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** The record in a folder; undefined where there is none. */
export async function readRecord(folder: string): Promise<RunRecord | undefined> {
  const file = join(folder, recordFile);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
  return parseRecord(file, text);
}

function parseRecord(file: string, text: string): RunRecord {
  let record: Partial<RunRecord> | null;
  try {
    record = JSON.parse(text) as Partial<RunRecord> | null;
  } catch {
    throw new InputError(`${file}: this is not a whole JSON file, so the run cannot be continued.`);
  }
  if (record?.format !== 1 || !commandNames.includes(record.command as CommandName)) {
    throw new InputError(
      `${file}: this is not the record of a run that this version can continue.`,
    );
  }
  return record as RunRecord;
}
