/** The files that benches leave in the repository: bench/results, and the plots of docs/results. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Where the rows of a bench are, from the root of the repository. */
export const resultsPath = (bench: string): string => `bench/results/${bench}.json`;

/** Writes texts by their paths from the root of the repository, and says so. */
export function writeResults(texts: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(texts)) {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  process.stderr.write(`written: ${Object.keys(texts).join(', ')}\n`);
}

/** Rows as the text of a JSON file. */
export const jsonOf = (rows: unknown): string => `${JSON.stringify(rows, null, 2)}\n`;

/** Writes the rows of a bench to bench/results, and says so. */
export function writeRows(bench: string, rows: readonly object[]): void {
  writeResults({ [resultsPath(bench)]: jsonOf(rows) });
}

/** The rows that the last run of a bench has left; none where there is no such file. */
export function rowsOfLastRun<Row>(bench: string): Row[] {
  const file = join(root, resultsPath(bench));
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Row[]) : [];
}
