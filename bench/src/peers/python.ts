/**
 * Runs a peer's Python script from the virtual environment that `npm run bench:peers` makes, if it is there.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

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
  process.stderr.write(`${script}: running…\n`);
  const child = spawn(python, [join(bench, 'peers', script), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve);
  });
  if (code !== 0) {
    process.stderr.write(`${script}: not measured, for it ended with exit code ${code}\n`);
    return [];
  }
  return JSON.parse(output) as Row[];
}
