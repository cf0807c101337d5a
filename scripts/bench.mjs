// npm run bench -- <name>… [options]: runs bench/src/<name>.ts, built, one after the other.
// Options (arguments that begin with a dash) go to each of them.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { main, root, setup } from './setup.mjs';

const args = process.argv.slice(2);
const names = args.filter((arg) => !arg.startsWith('-'));
const options = args.filter((arg) => arg.startsWith('-'));
const known = benchmarks();
const unknown = names.filter((name) => !known.includes(name));

if (names.length === 0 || unknown.length > 0) {
  const what =
    names.length === 0 ? 'no benchmark named' : `no benchmark called ${unknown.join(', ')}`;
  process.stderr.write(`bench: ${what}; known: ${known.join(', ') || '(none yet)'}\n`);
  process.stderr.write('usage: npm run bench -- <name>… [options]\n');
  process.exit(2);
}

await main(() => setup({ only: '@neuralode/bench' }));

for (const name of names) {
  const { code, signal } = await runToEnd(join(root, 'bench', 'dist', `${name}.js`));
  if (code === 0) continue;
  const how = signal ? `was stopped by ${signal}` : `ended with exit code ${code}`;
  process.stderr.write(`bench: ${name} ${how}\n`);
  process.exit(code ?? 1);
}

// a process for each, so that one does not warm or fill the memory of the next
/** @returns {Promise<{ code: number | null, signal: NodeJS.Signals | null }>} */
function runToEnd(/** @type {string} */ file) {
  const child = spawn(process.execPath, ['--expose-gc', file, ...options], {
    cwd: root,
    stdio: 'inherit',
  });
  const stop = (/** @type {NodeJS.Signals} */ signal) => child.kill(signal);
  process.on('SIGTERM', stop).on('SIGINT', stop);
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => {
      process.off('SIGTERM', stop).off('SIGINT', stop);
      resolve({ code, signal });
    });
  });
}

// files directly in bench/src; what they share lives in folders beside them
function benchmarks() {
  const folder = join(root, 'bench', 'src');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => file.slice(0, -3))
    .sort();
}
