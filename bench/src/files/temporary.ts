/** Files for another program, gone when it is done. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What `use` gives, with a folder of its own for as long as it runs. */
export async function withFolder<T>(
  bench: string,
  use: (folder: string) => T | Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), `neuralode-${bench}-`));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What `use` gives, with `content` as a JSON file for as long as it runs. */
export function withJsonFile<T>(
  bench: string,
  content: unknown,
  use: (file: string) => Promise<T>,
): Promise<T> {
  return withFolder(bench, (folder) => {
    const file = join(folder, 'problem.json');
    writeFileSync(file, JSON.stringify(content));
    return use(file);
  });
}
