/**
 * How long buffers live: what a graph frees as it runs, what a user's tensors hold, and what becomes of tensors that
 * nobody disposes of. (Tests of `tensor` that need a device live with the reference backend.)
 */
import {
  type Backend,
  evaluate,
  full,
  memory,
  ones,
  record,
  releaseAll,
  runGraph,
  runSync,
  setBackend,
  type Tensor,
  tensor,
} from '@neuralode/tensor';
import { beforeEach, describe, expect, it } from 'vitest';
import { reference } from '../../src/index.ts';

let backend: Backend;
beforeEach(async () => {
  backend = await setBackend(reference());
});

describe('a graph that runs', () => {
  it('frees each intermediate result after its last reader', () => {
    const x = full([1000], 1);
    backend.resetPeak();
    const chain = evaluate.sync(() => {
      let y = x;
      for (let i = 0; i < 50; i++) y = y.tanh();
      return y;
    });
    // x, the result, and at no time more than two links of the chain.
    expect(memory().peakBytes).toBeLessThanOrEqual(3 * 8000);
    expect(memory().liveBuffers).toBe(2);
    chain.dispose();
    x.dispose();
    expect(memory()).toMatchObject({ liveBuffers: 0, liveBytes: 0 });
  });

  it('keeps what is read late, returned twice, or an input returned as it is', () => {
    const x = tensor([1, 2]);
    const [a, b, c] = evaluate.sync(() => {
      const early = x.mul(2);
      const late = early.add(1).add(1).add(early);
      return [late, late, x] as Tensor[];
    });
    x.dispose();
    expect(a.arraySync()).toEqual([6, 10]);
    a.dispose();
    expect(b.arraySync()).toEqual([6, 10]);
    b.dispose();
    expect(c.arraySync()).toEqual([1, 2]);
    c.dispose();
    expect(memory().liveBuffers).toBe(0);
  });

  it('shares the buffer of a reshape and frees it once', () => {
    const x = tensor([1, 2, 3, 4]);
    const y = x.reshape([2, 2]);
    expect(memory().liveBuffers).toBe(1);
    x.dispose();
    expect(y.arraySync()).toEqual([
      [1, 2],
      [3, 4],
    ]);
    y.dispose();
    expect(memory().liveBuffers).toBe(0);
  });

  it('leaves nothing behind when a kernel fails in the middle', () => {
    const failing: Backend = {
      ...backend,
      run(primitive, operands, attrs, outputs) {
        if (primitive === 'tanh') throw new Error('the device is on fire');
        return backend.run(primitive, operands, attrs, outputs);
      },
    };
    const { graph } = record([{ shape: [3], dtype: 'float64' }], (x) => x.add(x).tanh());
    const x = tensor([1, 2, 3]);
    const slot = (x.source as unknown as { buffer: never }).buffer;
    expect(() => releaseAll(runSync(runGraph(graph, [slot], failing)))).toThrow('on fire');
    x.dispose();
    expect(memory().liveBuffers).toBe(0);
  });
});

describe('tensors that nobody disposes of', () => {
  it('do not fill the device in a plain loop', () => {
    let x = ones([100_000]);
    for (let i = 0; i < 2000; i++) x = x.mul(0.999); // 1.6 GB, were all of it kept
    expect(memory().peakBytes).toBeLessThan(300 * 2 ** 20);
    expect(x.dataSync()[7]).toBeCloseTo(0.999 ** 2000, 12);
  });

  it('do not fill it by their number either', () => {
    let x = tensor(0);
    for (let i = 0; i < 50_000; i++) x = x.add(1);
    expect(memory().liveBuffers).toBeLessThan(21_000);
    expect(x.itemSync()).toBe(50_000);
  });

  it('come back from host memory when they are used after all', () => {
    const early = tensor([1, 2, 3]);
    const kept = Array.from({ length: 30_000 }, (_, i) => tensor(i));
    expect(early.add(1).arraySync()).toEqual([2, 3, 4]);
    expect(kept[0].itemSync()).toBe(0);
    expect(kept[29_999].itemSync()).toBe(29_999);
    for (const each of kept) each.dispose();
    early.dispose();
    expect(memory().liveBuffers).toBeLessThanOrEqual(1);
  });

  it('stay while others that are read with them come back', () => {
    // so many names for one buffer, which cannot be paged out, that of all other tensors the newest alone may stay
    const base = tensor([0]);
    const names = Array.from({ length: 20_000 }, () => base.reshape([1, 1]));
    const [a, b] = [tensor([1]), tensor([2])];
    for (let i = 0; i < 3; i++) {
      expect(a.sub(b).arraySync()).toEqual([-1]);
      expect(evaluate.sync(() => b.sub(a)).arraySync()).toEqual([1]);
    }
    expect(names[19_999].arraySync()).toEqual([[0]]);
  });
});

describe('dispose', () => {
  it('is harmless twice, and use after it says so', () => {
    const x = tensor([1]);
    x.dispose();
    x.dispose();
    expect(x.disposed).toBe(true);
    expect(() => x.add(1)).toThrow('A tensor was used after dispose()');
    expect(() => x.dataSync()).toThrow(/Dispose of a tensor only when nothing reads it any more/);
  });

  it('is what `using` calls', () => {
    const x = tensor([1]);
    x[Symbol.dispose]();
    expect(memory().liveBuffers).toBe(0);
  });
});
