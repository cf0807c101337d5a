// npm test: every check of the repository, in order, up to the first that fails.
import { install, main, run, toolEnv } from './setup.mjs';

/** @type {{ title: string, command: string, args: string[] }[]} */
const sections = [
  { title: 'format', command: 'biome', args: ['format', '.'] },
  { title: 'lint', command: 'biome', args: ['lint', '--error-on-warnings', '.'] },
  { title: 'types', ...turboRun('types', 'types:root') },
  { title: 'boundaries', command: 'turbo', args: ['boundaries'] },
  { title: 'build', ...turboRun('build') },
  { title: 'package checks', ...turboRun('check:packages') },
  { title: 'tests', ...turboRun('test') },
  { title: 'end-to-end tests', ...turboRun('test:e2e') },
];

/** @type {{ title: string, seconds: number, passed: boolean }[]} */
const results = [];

await main(() => {
  const passed = timed('set-up', () => {
    install();
    return true;
  });
  if (passed) sections.every(({ title, command, args }) => timed(title, () => runs(command, args)));
  report();
});

function turboRun(/** @type {string[]} */ ...tasks) {
  return {
    command: 'turbo',
    args: ['run', ...tasks, '--output-logs=new-only', '--log-order=grouped'],
  };
}

function runs(/** @type {string} */ command, /** @type {string[]} */ args) {
  return run(command, args, { env: toolEnv(), show: true }).status === 0;
}

function timed(/** @type {string} */ title, /** @type {() => boolean} */ body) {
  process.stdout.write(`\n── ${title} ${'─'.repeat(Math.max(0, 60 - title.length))}\n`);
  const start = performance.now();
  const passed = body();
  results.push({ title, seconds: (performance.now() - start) / 1000, passed });
  return passed;
}

function report() {
  process.stdout.write('\n');
  for (const { title, seconds, passed } of results) {
    process.stdout.write(
      `${passed ? 'pass' : 'FAIL'}  ${title.padEnd(20)} ${seconds.toFixed(1).padStart(7)} s\n`,
    );
  }
  const total = results.reduce((sum, { seconds }) => sum + seconds, 0);
  process.stdout.write(`      ${'total'.padEnd(20)} ${total.toFixed(1).padStart(7)} s\n`);
  const failed = results.find(({ passed }) => !passed);
  if (!failed) return;
  process.stderr.write(`\nnpm test failed in section "${failed.title}"; its output is above.\n`);
  process.exitCode = 1;
}
