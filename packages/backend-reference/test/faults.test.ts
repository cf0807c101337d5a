/**
 * The conformance suite can fail: the reference backend with one deliberate fault at a time, and the tests that must
 * notice, by name; and the rules of skips.
 */
import { reference } from '@neuralode/backend-reference';
import { type Backend, type Handle, type HostArray, plainPrimitives } from '@neuralode/tensor';
import { conformanceCases } from '@neuralode/tensor/conformance';
import { describe, expect, it } from 'vitest';

type Run = Backend['run'];

/** A backend whose kernel for one primitive is another; `right` is the reference's own. */
function withKernel(primitive: string, kernel: (right: Run, ...call: Parameters<Run>) => Handle[]) {
  return (inner: Backend): Partial<Backend> => ({
    run: (...call) => (call[0] === primitive ? kernel(inner.run, ...call) : inner.run(...call)),
  });
}

/** A kernel that spoils the numbers that the right one gives. */
function withResult(
  primitive: string,
  spoil: (result: HostArray, inputs: HostArray[], shape: readonly number[]) => void,
) {
  return (inner: Backend): Partial<Backend> =>
    withKernel(primitive, (right, name, operands, attrs, outputs) => {
      const [handle] = right(name, operands, attrs, outputs);
      const result = inner.readSync?.(handle) as HostArray;
      inner.free(handle);
      const inputs = operands.map((each) => inner.readSync?.(each.handle) as HostArray);
      const [{ shape, dtype }] = outputs;
      spoil(result, inputs, shape);
      return dtype === 'opaque' ? [] : [inner.upload(result, shape, dtype)];
    })(inner);
}

/** How the tests end whose names begin with one of `scope`. */
async function outcomes(fault: (inner: Backend) => Partial<Backend>, scope: readonly string[]) {
  const inner = reference();
  const backend: Backend = { ...inner, ...fault(inner) };
  const failed: string[] = [];
  const passed: string[] = [];
  for (const each of conformanceCases({ backend, reference: reference() })) {
    if (!scope.some((prefix) => each.name.startsWith(prefix))) continue;
    await each.run().then(
      () => passed.push(each.name),
      () => failed.push(each.name),
    );
  }
  return { failed, passed };
}

interface Fault {
  readonly make: (inner: Backend) => Partial<Backend>;
  /** Where to look: the beginnings of names. */
  readonly scope: readonly string[];
  /** Tests that must fail. */
  readonly noticed: readonly string[];
  /** Tests that the fault does not touch, and that must pass. */
  readonly passed: readonly string[];
}

const faults: Readonly<Record<string, Fault>> = {
  'tanh is off by one in 100 000': {
    make: withResult('tanh', (y) => y.set(y.map((v) => v * (1 + 1e-5)))),
    scope: ['tanh', 'sin'],
    noticed: ['tanh: vector (float64)', 'tanh: vector (float32)', 'tanh: near zero (float32)'],
    passed: ['tanh: no elements (float32)', 'sin: vector (float32)'],
  },
  'log1p is log(1 + x) in float32': {
    make: withResult('log1p', (y, [x]) => y.set(x.map((v) => Math.log(Math.fround(1 + v))))),
    scope: ['log1p'],
    noticed: ['log1p: near zero (float32)', 'log1p: near zero (float64)'],
    passed: ['log1p: infinities (float32)', 'log1p: no elements (float32)'],
  },
  'floor rounds towards zero': {
    make: withResult('floor', (y, [x]) => y.set(x.map(Math.trunc))),
    scope: ['floor'],
    noticed: ['floor: edges of the domain (float32)', 'floor: vector (float64)'],
    passed: ['floor: infinities (float64)'],
  },
  'sign of NaN is zero': {
    make: withResult('sign', (y) => y.set(y.map((v) => v || 0))),
    scope: ['sign'],
    noticed: ['sign: not a number (float64)', 'sign: not a number (float32)'],
    passed: ['sign: vector (int32)', 'sign: infinities (float32)'],
  },
  'max ignores NaN': {
    make: withResult('max', (y) => y.set(y.map((v) => (Number.isNaN(v) ? 1 : v)))),
    scope: ['max:'],
    noticed: ['max: not a number (float64)', 'max: not a number (float32)'],
    passed: ['max: infinities (float32)', 'max: matrix, all (bool)'],
  },
  'a float32 sum is a plain float32 loop': {
    make: withResult('sum', (y, [x]) => {
      if (y.length !== 1) return;
      const total = new Float32Array(1);
      for (const v of x) total[0] += v;
      y.set(y instanceof Float32Array ? total : y);
    }),
    scope: ['sum'],
    noticed: ['sum: a million elements (float32)'],
    passed: ['sum: a million elements (float64)', 'sum: matrix, all (float32)'],
  },
  'int32 products go through float64': {
    make: withResult('mul', (y, [a, b]) => {
      if (y instanceof Int32Array && a.length === b.length) y.set(y.map((_, i) => a[i] * b[i]));
    }),
    scope: ['mul'],
    noticed: ['mul: wraps around (int32)'],
    passed: ['mul: vectors (int32)', 'mul: overflow (float32)'],
  },
  'where multiplies by zero and one': {
    make: withResult('where', (y, [c, a, b]) => {
      if (a.length === c.length && b.length === c.length) {
        y.set(y.map((_, i) => c[i] * a[i] + (1 - c[i]) * b[i]));
      }
    }),
    scope: ['where'],
    noticed: ['where: what is not chosen leaves no trace (float32)'],
    passed: ['where: vectors (float32)', 'where: matrices (int32)'],
  },
  'matMul gives every batch the first product': {
    make: withResult('matMul', (y, _, shape) => {
      const size = shape.slice(-2).reduce((product, extent) => product * extent, 1);
      y.set(y.map((_, i) => y[i % size]));
    }),
    scope: ['matMul'],
    noticed: ['matMul: batched (float32)', 'matMul: batches broadcast both ways (float64)'],
    passed: ['matMul: square (float32)', 'matMul: batched, no inner extent (float32)'],
  },
  'matMul skips zeros': {
    make: withResult('matMul', (y) => y.set(y.map((v) => (Number.isNaN(v) ? 0 : v)))),
    scope: ['matMul'],
    noticed: ['matMul: zero times not a number (float64)'],
    passed: ['matMul: square (float32)', 'matMul: large (float32)'],
  },
  'slice takes the block beside': {
    make: withKernel('slice', (right, name, operands, attrs, outputs) => {
      const { begin, size } = attrs as { begin: number[]; size: number[] };
      const { shape } = operands[0];
      const beside = begin.map((b, axis) => (b + size[axis] < shape[axis] ? b + 1 : b));
      return right(name, operands, { begin: beside, size }, outputs);
    }),
    scope: ['slice'],
    noticed: ['slice: inner block (int32)', 'slice: vector (bool)'],
    passed: ['slice: whole (float64)', 'slice: scalar (bool)'],
  },
  'flip of no axis gives back its operand': {
    make: withKernel('flip', (right, name, operands, attrs, outputs) => {
      const { axes } = attrs as { axes: number[] };
      return axes.length === 0 ? [operands[0].handle] : right(name, operands, attrs, outputs);
    }),
    scope: ['flip'],
    noticed: ['flip: matrix, neither (float64)', 'flip: scalar (bool)'],
    passed: ['flip: matrix, both (float64)'],
  },
  'transpose leaks': {
    make: withKernel('transpose', (right, ...call) => {
      right(...call);
      return right(...call);
    }),
    scope: ['transpose', 'pad'],
    noticed: ['transpose: matrix (float32)', 'transpose: no elements (bool)'],
    passed: ['pad: matrix (float32)'],
  },
  'gather repeats its first index': {
    make: withResult('gather', (y) => y.fill(y[0])),
    scope: ['gather'],
    noticed: ['gather: rows, repeated (int32)'],
    passed: ['gather: no indices (float32)'],
  },
  'scatterAdd keeps the last instead of the sum': {
    make: withResult('scatterAdd', (y, [x]) => y.set(y.map((v) => (x.includes(v) ? v : 0)))),
    scope: ['scatterAdd'],
    noticed: ['scatterAdd: all to one (int32)', 'scatterAdd: rows, repeated (float32)'],
    passed: ['scatterAdd: vector (float32)'],
  },
  'linearCombination has float16 weights': {
    make: withKernel('linearCombination', (right, name, operands, attrs, outputs) => {
      const { weights } = attrs as { weights: number[] };
      const coarse = weights.map((w) => Math.round(w * 1024) / 1024);
      return right(name, operands, { weights: coarse }, outputs);
    }),
    scope: ['linearCombination'],
    noticed: ['linearCombination: six stages (float32)', 'linearCombination: large (float64)'],
    passed: ['linearCombination: nine terms (float32)'],
  },
  'cast to int32 rounds to the nearest': {
    make: withResult('cast', (y, [x]) => {
      if (y instanceof Int32Array) y.set(x.map(Math.round));
    }),
    scope: ['cast'],
    noticed: ['cast: to int32, fractions (float32)', 'cast: to int32, fractions (float64)'],
    passed: ['cast: to int32 (bool)', 'cast: to float32, fractions (float64)'],
  },
  'neg works in place': {
    make: (inner) => {
      const moved = new Map<Handle, Handle>();
      const at = (handle: Handle) => moved.get(handle) ?? handle;
      return {
        readSync: (handle) => inner.readSync?.(at(handle)) as HostArray,
        read: (handle) => inner.read(at(handle)),
        free: (handle) => inner.free(at(handle)),
        run(name, operands, attrs, outputs) {
          const actual = operands.map((each) => ({ ...each, handle: at(each.handle) }));
          const result = inner.run(name, actual, attrs, outputs);
          if (name !== 'neg') return result;
          const copy = inner.run(name, actual, attrs, outputs);
          inner.free(actual[0].handle);
          moved.set(operands[0].handle, copy[0]);
          return result;
        },
      };
    },
    scope: ['neg', 'abs'],
    noticed: ['neg: vector (float64)', 'neg: matrix (int32)'],
    passed: ['abs: vector (float64)', 'neg: no elements (float64)'],
  },
  'upload keeps the caller’s array': {
    make: (inner) => {
      const kept = new Map<Handle, HostArray>();
      return {
        upload(data, shape, dtype) {
          const handle = inner.upload(data, shape, dtype);
          kept.set(handle, data);
          return handle;
        },
        read: async (handle) => kept.get(handle)?.slice() ?? inner.read(handle),
        readSync: (handle) => kept.get(handle)?.slice() ?? (inner.readSync?.(handle) as HostArray),
      };
    },
    scope: ['buffers'],
    noticed: ['buffers: upload takes a copy (float64)', 'buffers: upload takes a copy (bool)'],
    passed: ['buffers: upload and read back (int32)', 'buffers: read gives a copy (float64)'],
  },
  'read gives the buffer itself': {
    make: (inner) => {
      const seen = new Map<Handle, HostArray>();
      return {
        readSync(handle) {
          const data = seen.get(handle) ?? (inner.readSync?.(handle) as HostArray);
          seen.set(handle, data);
          return data;
        },
        read: async (handle) => seen.get(handle) ?? inner.read(handle),
      };
    },
    scope: ['buffers'],
    noticed: ['buffers: read gives a copy (float64)', 'buffers: read gives a copy (int32)'],
    passed: ['buffers: upload takes a copy (float64)'],
  },
  'free keeps the memory': {
    make: () => ({ free() {} }),
    scope: ['buffers', 'add'],
    noticed: ['buffers: memory counts what is live (float64)', 'add: vectors (float32)'],
    passed: ['buffers: an unknown primitive is refused'],
  },
  'the peak never moves': {
    make: (inner) => ({
      memory: () => ({ ...inner.memory(), peakBytes: inner.memory().liveBytes }),
    }),
    scope: ['buffers'],
    noticed: ['buffers: the peak rises and is reset (float64)'],
    passed: ['buffers: memory counts what is live (float64)'],
  },
  'readSync answers before the kernel is done': {
    make: (inner) => ({
      readSync: (handle) => inner.readSync?.(handle).fill(0) as HostArray,
    }),
    scope: ['buffers', 'mul'],
    noticed: ['mul: vectors (float64)', 'buffers: upload and read back (float64)'],
    passed: ['mul: no elements (float64)'],
  },
  'an unknown primitive is a bare TypeError': {
    make: (inner) => ({
      run(...call) {
        if (call[0] === 'noSuchPrimitive') throw new TypeError('kernel is not a function');
        return inner.run(...call);
      },
    }),
    scope: ['buffers'],
    noticed: ['buffers: an unknown primitive is refused'],
    passed: ['buffers: the backend describes itself'],
  },
};

describe('a fault is noticed', () => {
  it.each(Object.entries(faults))('%s', async (_, { make, scope, noticed, passed }) => {
    const found = await outcomes(make, scope);
    expect(found.failed).toEqual(expect.arrayContaining([...noticed]));
    expect(found.passed).toEqual(expect.arrayContaining([...passed]));
  });

  it('and without one, nothing is', async () => {
    const { failed, passed } = await outcomes(() => ({}), ['']);
    expect(failed).toEqual([]);
    expect(passed.length).toBeGreaterThan(1000);
  });

  it('also on a device that cannot be read at once', async () => {
    const asyncOnly = () => ({ readSync: undefined });
    const { failed, passed } = await outcomes(asyncOnly, ['buffers', 'add', 'sum: vector']);
    expect(failed).toEqual([]);
    expect(passed.length).toBeGreaterThan(50);
  });
});

describe('the suite', () => {
  const right = { backend: reference(), reference: reference() };

  /** What the test of that name ends with, under `skip`. */
  async function outcome(name: string, skip: Record<string, string>, backend = right.backend) {
    const cases = conformanceCases({ ...right, backend, skip });
    const found = cases.find((each) => each.name === name);
    return found?.run().then(
      () => 'passed',
      (error: Error) => error.message,
    );
  }

  it('has a test for every plain primitive that reaches a backend', () => {
    const names = conformanceCases(right).map((each) => each.name.split(':')[0]);
    const tested = new Set(names);
    const untested = plainPrimitives.map(({ name }) => name).filter((name) => !tested.has(name));
    expect(untested).toEqual(['reshape', 'stopGradient']);
  });

  it('tests only the dtypes that the backend has', () => {
    const backend: Backend = { ...reference(), dtypes: ['float32'], floatDType: 'float32' };
    const names = conformanceCases({ ...right, backend }).map((each) => each.name);
    expect(names.filter((name) => /float64|int32|bool/.test(name))).toEqual([]);
    expect(names).toContain('add: vectors (float32)');
    expect(names).not.toContain('equal: vectors (float32)');
  });

  it('wants a reference with float64', () => {
    const coarse: Backend = { ...reference(), dtypes: ['float32'] };
    expect(() => conformanceCases({ ...right, reference: coarse })).toThrow('must have float64');
  });

  const tanh = 'tanh: vector (float32)';
  const skips = 'skips: each names a test and gives a reason';

  it('accepts a skip of a test that fails', async () => {
    const inner = reference();
    const backend = { ...inner, ...faults['tanh is off by one in 100 000'].make(inner) };
    const skip = { [tanh]: 'polynomial of the vendor' };
    expect(await outcome(tanh, {}, backend)).toMatch(/elements are wrong; the first at 0/);
    expect(await outcome(tanh, skip, backend)).toBe('passed');
    expect(await outcome(skips, skip, backend)).toBe('passed');
  });

  it('fails a stale skip, an unknown one, and one without a reason', async () => {
    expect(await outcome(tanh, { [tanh]: 'an old bug' })).toMatch(/^stale skip: .*an old bug/);
    expect(await outcome(skips, { 'tanh: vector': 'not the exact name' })).toBe(
      "no test is named 'tanh: vector' (for the dtypes that the backend has)",
    );
    expect(await outcome(skips, { [tanh]: ' ' })).toBe(`the skip of '${tanh}' gives no reason`);
  });
});
