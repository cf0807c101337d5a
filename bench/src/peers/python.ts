/**
 * Runs a peer's Python script from the virtual environment that `npm run bench:peers` makes, if it is there.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rowsPrinted } from './child.ts';

const bench = fileURLToPath(new URL('../../', import.meta.url));
const python =
  process.platform === 'win32'
    ? join(bench, '.venv', 'Scripts', 'python.exe')
    : join(bench, '.venv', 'bin', 'python');

/** The rows that `script` prints as JSON; or none, with a sentence that says why. */
export async function runPeer<Row>(script: string, args: readonly string[]): Promise<Row[]> {
  if (!existsSync(python)) {
    process.stderr.write(
      `${script}: not measured, for the Python peers are not set up (npm run bench:peers does it)\n`,
    );
    return [];
  }
  return rowsPrinted<Row>(script, python, [join(bench, 'peers', script), ...args]);
}
