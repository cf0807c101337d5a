/** Going on from a checkpoint, and saying in one sentence why that cannot be. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckpointError } from '@neuralode/nn';
import { InputError } from '../failure.ts';
import { runFiles } from './run-folder.ts';

/** Calls `make` with the checkpoint in `folder`; without a folder or a checkpoint, with nothing. */
export async function fromCheckpoint<T>(
  folder: string | undefined,
  make: (bytes: Uint8Array | undefined) => T,
): Promise<T> {
  if (folder === undefined) return make(undefined);
  const file = join(folder, runFiles.checkpoint);
  const bytes = await readIfThere(file);
  try {
    return make(bytes);
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    const { what, got, expected } = error.complaint;
    const details = [what, got && `got ${got}`, expected && `expected ${expected}`];
    throw new InputError(
      `${file}: the run cannot go on from this checkpoint: ${details.filter(Boolean).join('; ')}.`,
    );
  }
}

async function readIfThere(file: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
