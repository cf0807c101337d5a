// npm run bench -- <name>… [options]: runs bench/src/<name>.ts, built, one after the other.
// Options (arguments that begin with a dash) go to each of them.
import { spawnSync } from 'node:child_process';
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
  const file = join(root, 'bench', 'dist', `${name}.js`);
  const { status, signal } = spawnSync(process.execPath, ['--expose-gc', file, ...options], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status === 0) continue;
  process.stderr.write(
    `bench: ${name} ${signal ? `was stopped by ${signal}` : `ended with exit code ${status}`}\n`,
  );
  process.exit(status ?? 1);
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
