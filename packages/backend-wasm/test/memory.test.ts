// What is counted, what is given back, and what two backends in one program share.
import { BackendError, ArgumentError } from '@neuralode/tensor';
import { findBackend } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { wasm } from '../src/index.ts';
import { compute, operand } from './harness.ts';

const backend = await wasm();

it('counts each backend on its own, on one device', async () => {
  const other = await wasm();
  const mine = operand(backend, [1, 2, 3], [3]);
  const before = other.memory();
  expect(backend.memory().liveBuffers).toBe(1);
  expect(before.liveBuffers).toBe(0);
  const theirs = operand(other, [1, 2], [2]);
  expect(other.memory()).toEqual({ liveBuffers: 1, liveBytes: 8, peakBytes: 8 });
  expect(backend.memory().liveBytes).toBe(12);
  other.free(theirs.handle);
  backend.free(mine.handle);
});

it('frees what its kernels make on the way', () => {
  const device = findBackend('wasm');
  const x = operand(
    backend,
    Array.from({ length: 24 }, (_, i) => i - 12),
    [2, 3, 4],
  );
  const flags = operand(backend, [1, 0, 1], [3, 1], 'bool');
  const indices = operand(backend, [2, 0], [2], 'int32');
  const live = [backend.memory().liveBuffers, device.numDataIds()];
  compute(backend, 'maximum', [x, x], undefined, [2, 3, 4]);
  compute(backend, 'where', [flags, x, x], undefined, [2, 3, 4]);
  compute(backend, 'sum', [x], { axes: [0, 2] }, [3]);
  compute(backend, 'gather', [x, indices], { axis: 1 }, [2, 2, 4]);
  compute(backend, 'scatterAdd', [x, indices], { axis: 0, size: 3 }, [3, 3, 4]);
  compute(backend, 'slice', [x], { begin: [0, 0, 0], size: [2, 3, 4] }, [2, 3, 4]);
  compute(backend, 'flip', [flags], { axes: [0] }, [3, 1], 'bool');
  expect([backend.memory().liveBuffers, device.numDataIds()]).toEqual(live);
  for (const { handle } of [x, flags, indices]) backend.free(handle);
});

it('leaves nothing behind when a kernel refuses', () => {
  const x = operand(backend, [1, 2, 3], [3]);
  const indices = operand(backend, [3], [1], 'int32');
  const live = backend.memory().liveBytes;
  const gather = () =>
    backend.run('gather', [x, indices], { axis: 0 }, [{ shape: [1], dtype: 'float32' }]);
  expect(gather).toThrow(ArgumentError);
  expect(gather).toThrow(
    'gather: an index is outside the axis; got 3 at position 0; expected 0 to 2.',
  );
  expect(backend.memory().liveBytes).toBe(live);
  for (const { handle } of [x, indices]) backend.free(handle);
});

it('an output that is its input outlives it', () => {
  const x = operand(backend, [1, 2], [2]);
  const [same] = backend.run('slice', [x], { begin: [0], size: [2] }, [
    { shape: [2], dtype: 'float32' },
  ]);
  expect(backend.memory().liveBytes).toBe(8);
  backend.free(x.handle);
  expect(backend.readSync?.(same)).toEqual(Float32Array.of(1, 2));
  backend.free(same);
  expect(backend.memory()).toMatchObject({ liveBuffers: 0, liveBytes: 0 });
});

it('gives the numbers of freed tensors out again', () => {
  // tfjs counts up for ever and its module keeps 32 bits: see tensor-ids.ts
  const { dataIdMap } = findBackend('wasm') as unknown as {
    dataIdMap: { get(dataId: object): { id: number } };
  };
  const numberOfFresh = () => {
    const { handle } = operand(backend, [1], []);
    const { id } = dataIdMap.get((handle as { storage: { dataId: object } }).storage.dataId);
    backend.free(handle);
    return id;
  };
  const first = numberOfFresh();
  const x = operand(backend, new Float32Array(4096), [64, 64]);
  for (let i = 0; i < 100; i++) {
    compute(backend, 'matMul', [x, x], undefined, [64, 64]);
    compute(backend, 'transpose', [x], { perm: [1, 0] }, [64, 64]);
  }
  backend.free(x.handle);
  expect(numberOfFresh()).toBeLessThanOrEqual(first + 8);
});

it('refuses a buffer that was freed, and more memory than there is', () => {
  const x = operand(backend, [1], []);
  backend.free(x.handle);
  expect(() => backend.free(x.handle)).toThrow(BackendError);
  const huge = { value: 0, shape: [1 << 15, 1 << 15], dtype: 'float32' };
  expect(() => backend.run('fill', [], huge, [{ shape: huge.shape, dtype: 'float32' }])).toThrow(
    'wasm: out of memory',
  );
});
