// The package as it is shipped: loaded by plain Node, quiet, and with kernels that are what their sources say.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const run = promisify(execFile);
const cwd = fileURLToPath(new URL('..', import.meta.url));
const isBuilt = existsSync(new URL('../dist/index.js', import.meta.url));

it('the embedded kernels are what assembly/ compiles to', async () => {
  await run(process.execPath, ['scripts/kernels.mjs', '--check'], { cwd });
});

const program = `
  import { wasm } from '@neuralode/backend-wasm';
  const backend = await wasm();
  const shape = [2];
  const handle = backend.upload(Float32Array.of(1, 2), shape, 'float32');
  const [out] = backend.run('exp', [{ handle, shape, dtype: 'float32' }], undefined, [{ shape, dtype: 'float32' }]);
  console.log(backend.name, backend.simd, backend.readSync(out).map(Math.round).join());
`;

it.skipIf(!isBuilt)('plain Node imports the build, which prints nothing of its own', async () => {
  const { stdout, stderr } = await run(
    process.execPath,
    ['--input-type=module', '--eval', program],
    { cwd },
  );
  expect(stdout).toBe('wasm true 3,7\n');
  expect(stderr).toBe('');
});
