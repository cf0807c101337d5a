// npm run test:node-gpu [-- --cuda | --cpu]: builds the addon of backend-node-gpu where it is missing, and runs that
// package's tests, which then insist on it. Ends with exit code 1 where either fails, and with 75 where what the build takes
// from elsewhere (Python, a wheel, a package) is not to be had.
import { join } from 'node:path';
import { install, main, root, run, SetupError, toolEnv } from './setup.mjs';

const folder = join(root, 'packages', 'backend-node-gpu');

await main(() => {
  install();
  const builder = join(folder, 'scripts', 'build-addon.mjs');
  const built = runs(process.execPath, [builder, ...process.argv.slice(2)]);
  if (built === 75) {
    process.stderr.write('node-gpu: NOT TESTED, since the addon could not be built here\n');
    process.exit(75);
  }
  if (built !== 0) {
    throw new SetupError('the addon of backend-node-gpu could not be built; the reason is above');
  }
  // not through turbo, which would not see that the addon changed
  const config = join(root, 'vitest.config.ts');
  if (runs('vitest', ['run', '--root', folder, '--config', config]) !== 0) {
    throw new SetupError('the tests of backend-node-gpu failed; their output is above');
  }
});

function runs(/** @type {string} */ command, /** @type {string[]} */ args) {
  const env = { ...toolEnv(), NEURALODE_TEST_NODE_GPU: '1' };
  return run(command, args, { env, show: true }).status;
}
