// What a person is told: no addon, a broken one, or no card.
import { BackendError } from '@neuralode/tensor';
import { expect, it } from 'vitest';
import { notStarted } from '../src/device.ts';
import { nodeGpu } from '../src/index.ts';
import { addonIsThere } from './addon.ts';

it.skipIf(addonIsThere)('says what to install where the addon is absent', async () => {
  await expect(nodeGpu()).rejects.toThrow(BackendError);
  await expect(nodeGpu()).rejects.toThrow(
    'node-gpu: @tensorflow/tfjs-node-gpu is not installed, an optional package that brings TensorFlow to Node. ' +
      'Install it (npm install @tensorflow/tfjs-node-gpu), or compute with @neuralode/backend-wasm.',
  );
});

it('says why an addon that is there did not load', () => {
  const cause = new Error('libtensorflow.so.2: cannot open shared object file:\n  at dlopen');
  expect(notStarted(cause).message).toContain(
    'node-gpu: @tensorflow/tfjs-node-gpu did not load (libtensorflow.so.2: cannot open shared object file). Reinstall it',
  );
  expect(notStarted(cause).cause).toBe(cause);
});

it('takes a package that the addon itself lacks for a broken addon', () => {
  const cause = Object.assign(new Error("Cannot find package 'tar' imported from addon.js"), {
    code: 'ERR_MODULE_NOT_FOUND',
  });
  expect(notStarted(cause).message).toContain("did not load (Cannot find package 'tar'");
});

it.runIf(addonIsThere)(
  'says in one sentence that there is no card, and nothing where there is one',
  async () => {
    const { gpu, note } = await nodeGpu();
    if (gpu) expect(note).toBeUndefined();
    else expect(note).toMatch(/^node-gpu: TensorFlow found no CUDA card .* CPU kernels\./);
  },
);
