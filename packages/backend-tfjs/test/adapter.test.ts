// The adapter's own duties: typed refusals, counting, and outputs that share an operand's memory.
import '@tensorflow/tfjs-backend-cpu';
import { BackendError, DTypeError } from '@neuralode/tensor';
import { findBackend } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { type KernelTable, tfjsBackend } from '../src/index.ts';

const make = (overrides: KernelTable = {}) =>
  tfjsBackend({
    name: 'cpu',
    tfName: 'cpu',
    device: findBackend('cpu'),
    readsSync: true,
    sharesArrays: true,
    overrides,
  });

const pair = { shape: [2], dtype: 'float32' } as const;

describe('tfjsBackend', () => {
  it('refuses what it lacks, by name', () => {
    const backend = make();
    expect(() => backend.upload(Float64Array.of(1), [], 'float64')).toThrow(DTypeError);
    expect(() => backend.run('fft', [], undefined, [pair])).toThrow(
      'cpu: no kernel for the primitive fft.',
    );
  });

  it('names the tfjs kernel that a device lacks', () => {
    const backend = make({ exp: (bench, [x]) => bench.call('Exp10', { x }) });
    const x = { handle: backend.upload(Float32Array.of(1, 2), [2], 'float32'), ...pair };
    expect(() => backend.run('exp', [x], undefined, [pair])).toThrow(
      'cpu: its tfjs backend has no kernel Exp10.',
    );
    backend.free(x.handle);
    expect(backend.memory().liveBuffers).toBe(0);
  });

  it('counts memory that two buffers share once, and keeps it for the last of them', () => {
    const backend = make({ exp: (bench, [x]) => bench.call('Identity', { x }) });
    const x = { handle: backend.upload(Float32Array.of(1, 2), [2], 'float32'), ...pair };
    const [shared] = backend.run('exp', [x], undefined, [pair]);
    expect(backend.memory()).toEqual({ liveBuffers: 2, liveBytes: 8, peakBytes: 8 });
    backend.free(x.handle);
    expect(backend.readSync?.(shared)).toEqual(Float32Array.of(1, 2));
    backend.free(shared);
    expect(backend.memory().liveBytes).toBe(0);
    expect(() => backend.free(shared)).toThrow(BackendError);
  });

  it('gives back what a kernel made before it failed', () => {
    const fails: KernelTable = {
      exp(bench, [x]) {
        bench.call('Neg', { x });
        throw new Error('on the way');
      },
    };
    const backend = make(fails);
    const x = { handle: backend.upload(Float32Array.of(1, 2), [2], 'float32'), ...pair };
    expect(() => backend.run('exp', [x], undefined, [pair])).toThrow('on the way');
    expect(backend.memory()).toEqual({ liveBuffers: 1, liveBytes: 8, peakBytes: 16 });
    backend.free(x.handle);
  });

  it('copies arrays on the way in and out where the device shares them', async () => {
    const backend = make();
    const data = Float32Array.of(1, 2);
    const handle = backend.upload(data, [2], 'float32');
    data[0] = 9;
    const first = await backend.read(handle);
    first[0] = 7;
    expect(backend.readSync?.(handle)).toEqual(Float32Array.of(1, 2));
    backend.free(handle);
  });

  it('leaves readSync out where a device cannot', () => {
    const options = { name: 'gpu', tfName: 'cpu', device: findBackend('cpu'), sharesArrays: true };
    expect(tfjsBackend({ ...options, readsSync: false }).readSync).toBeUndefined();
  });
});
