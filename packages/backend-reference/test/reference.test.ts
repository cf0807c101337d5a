/** The backend around the kernels: memory, handles, errors, and the front door as a user takes it. */
import { reference } from '@neuralode/backend-reference';
import { BackendError, setBackend, tensor } from '@neuralode/tensor';
import { describe, expect, it } from 'vitest';

const inf = Number.POSITIVE_INFINITY;

describe('reference', () => {
  it('is float64 unless asked for float32', () => {
    expect(reference().floatDType).toBe('float64');
    expect(reference({ floatDType: 'float32' }).floatDType).toBe('float32');
    expect(reference().dtypes).toEqual(['float64', 'float32', 'int32', 'bool']);
  });

  it('runs the example of the README', async () => {
    await setBackend(reference());
    const y = tensor([
      [1, 2],
      [3, 4],
    ]).matMul(tensor([[1], [10]]));
    expect(await y.array()).toEqual([[21], [43]]);
    expect(y.dtype).toBe('float64');
  });

  it('makes float32 tensors where told to', async () => {
    await setBackend(reference({ floatDType: 'float32' }));
    const y = tensor([0.1]).add(tensor([0.2]));
    expect(y.dtype).toBe('float32');
    expect(await y.array()).toEqual([Math.fround(Math.fround(0.1) + Math.fround(0.2))]);
    await setBackend(reference());
  });

  it('counts buffers, bytes and the peak', () => {
    const backend = reference();
    const a = backend.upload(new Float64Array(4), [4], 'float64');
    const b = backend.upload(new Uint8Array(3), [3], 'bool');
    expect(backend.memory()).toEqual({ liveBuffers: 2, liveBytes: 35, peakBytes: 35 });
    backend.free(a);
    expect(backend.memory()).toEqual({ liveBuffers: 1, liveBytes: 3, peakBytes: 35 });
    backend.resetPeak();
    expect(backend.memory()).toEqual({ liveBuffers: 1, liveBytes: 3, peakBytes: 3 });
    backend.free(b);
    expect(backend.memory()).toEqual({ liveBuffers: 0, liveBytes: 0, peakBytes: 3 });
  });

  it('notices use after free, double free, and the handle of another backend', () => {
    const backend = reference();
    const handle = backend.upload(new Float64Array([1, 2]), [2], 'float64');
    const foreign = reference().upload(new Float64Array(1), [1], 'float64');
    backend.free(handle);
    expect(() => backend.readSync?.(handle)).toThrow('internal error: use of a freed buffer');
    expect(() => backend.free(handle)).toThrow('internal error: free of a freed buffer');
    expect(() => backend.free(foreign)).toThrow('a handle that this backend did not give');
    const operand = { handle, shape: [2], dtype: 'float64' } as const;
    expect(() => backend.run('neg', [operand], undefined, [operand])).toThrow('use of a freed');
  });

  it('notices an upload or an operand whose size or type is not what it is said to be', () => {
    const backend = reference();
    expect(() => backend.upload(new Float64Array(3), [2], 'float64')).toThrow('internal error');
    expect(() => backend.upload(new Float64Array(2), [2], 'float32')).toThrow('internal error');
    const handle = backend.upload(new Float64Array(6), [6], 'float64');
    const operand = { handle, shape: [4], dtype: 'float64' } as const;
    expect(() => backend.run('neg', [operand], undefined, [operand])).toThrow('internal error');
  });

  it('refuses an unknown primitive and says what to do', () => {
    const backend = reference();
    const unknown = () => backend.run('conv9d', [], undefined, [{ shape: [], dtype: 'float64' }]);
    expect(unknown).toThrow(BackendError);
    expect(unknown).toThrow(/'conv9d'.*expected neg, abs.*Add a kernel/);
  });

  it('leaves nothing behind when a kernel refuses its operands', () => {
    const backend = reference();
    const x = { handle: backend.upload(new Float64Array(3), [3], 'float64'), shape: [3] };
    const i = { handle: backend.upload(new Int32Array([7]), [1], 'int32'), shape: [1] };
    const operands = [
      { ...x, dtype: 'float64' },
      { ...i, dtype: 'int32' },
    ] as const;
    const output = { shape: [1], dtype: 'float64' } as const;
    expect(() => backend.run('gather', operands, { axis: 0 }, [output])).toThrow(
      'gather: an index is outside the axis; got 7 at position 0; expected 0 to 2.',
    );
    expect(backend.memory().liveBuffers).toBe(2);
  });

  it('two backends keep separate accounts', () => {
    const [one, two] = [reference(), reference()];
    one.upload(new Float64Array([inf]), [], 'float64');
    expect(one.memory().liveBuffers).toBe(1);
    expect(two.memory().liveBuffers).toBe(0);
  });
});
