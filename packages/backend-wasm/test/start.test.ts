// A module that cannot be found: alone in its file, since a program starts the module once.
import { BackendError } from '@neuralode/tensor';
import { afterAll, expect, it, vi } from 'vitest';
import { wasm } from '../src/index.ts';

// the module's own runtime prints what went wrong before it tells us
const warnings = vi.spyOn(console, 'warn').mockImplementation(() => {});
const errors = vi.spyOn(console, 'error').mockImplementation(() => {});
afterAll(() => {
  warnings.mockRestore();
  errors.mockRestore();
});

it('says what did not start, where it looked and what to do', async () => {
  const urls = { simd: '/nowhere/simd.wasm', plain: '/nowhere/plain.wasm' };
  await expect(wasm({ urls })).rejects.toThrow(BackendError);
  await expect(wasm({ urls })).rejects.toThrow(
    /did not start .*looked for at \/nowhere\/simd\.wasm/,
  );
});
