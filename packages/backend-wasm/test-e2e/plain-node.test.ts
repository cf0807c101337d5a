// The package as it is shipped, without a bundler or a test runner around it.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const cwd = fileURLToPath(new URL('..', import.meta.url));

const program = `
  import { setBackend, tensor } from '@neuralode/tensor';
  import { wasm } from '@neuralode/backend-wasm';
  const backend = await setBackend(wasm());
  console.log(backend.name, backend.simd, await tensor([1, 2]).exp().sum().item());
`;

it('plain Node imports the build, which prints nothing of its own', async () => {
  const args = ['--input-type=module', '--eval', program];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { cwd });
  const [name, simd, value] = stdout.trim().split(' ');
  expect([name, simd]).toEqual(['wasm', 'true']);
  expect(Number(value)).toBeCloseTo(Math.E + Math.E ** 2, 5);
  expect(stderr).toBe('');
});
