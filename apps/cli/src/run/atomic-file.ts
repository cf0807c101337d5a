/**
 * Files that are either the old one or the new one, whole, whenever the process or the machine stops: written beside,
 * brought to the disk, then renamed. The name of the one beside is fixed, so a killed run leaves one at most.
 */
import { open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

const besideName = (name: string) => `.${name}.part`;

/** Replaces `file` by `content`. */
export async function writeWhole(file: string, content: string | Uint8Array): Promise<void> {
  const beside = join(dirname(file), besideName(basename(file)));
  const handle = await open(beside, 'w');
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(beside, file);
}

/** Removes what a killed run left half written. */
export async function removeParts(folder: string, names: readonly string[]): Promise<void> {
  const parts = new Set(names.map(besideName));
  for (const name of await readdir(folder)) {
    if (parts.has(name)) await rm(join(folder, name), { force: true });
  }
}
