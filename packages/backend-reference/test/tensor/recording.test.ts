/**
 * What a user meets while a function is recorded, and on a device that must be waited for.
 */
import {
  type Backend,
  deviceFunction,
  evaluate,
  flatten,
  isRecording,
  ones,
  random,
  type Run,
  randomFromState,
  record,
  scan,
  setBackend,
  showGraph,
  structureKey,
  Tensor,
  tensor,
  where,
} from '@neuralode/tensor';
import { beforeEach, describe, expect, it } from 'vitest';
import { reference } from '../../src/index.ts';

beforeEach(async () => {
  await setBackend(reference());
});

/** The reference backend as a GPU is: reading takes a turn of the event loop, and cannot be done at once. */
function distant(): Backend {
  const { readSync, ...near } = reference();
  return {
    ...near,
    async read(handle) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      return near.read(handle);
    },
  };
}

describe('while recording', () => {
  it('a captured tensor becomes an input of the graph', () => {
    const outside = tensor([1, 2]);
    const { graph, captures } = record([{ shape: [2], dtype: 'float64' }], (x) => x.mul(outside));
    expect(captures).toEqual([outside]);
    expect(showGraph(graph)).toBe(
      'graph(%0: float64[2], %1: float64[2])\n  %2: float64[2] = mul(%0, %1)\n  return %2',
    );
  });

  it.each([
    ['data', (x: Tensor) => x.dataSync()],
    ['item', (x: Tensor) => x.itemSync()],
    ['array', (x: Tensor) => x.arraySync()],
  ])('%s cannot be read, and the message names `where`', (_, read) => {
    const attempt = (): unknown => evaluate.sync(() => read(ones([1]).sum()) as never);
    expect(attempt).toThrow(/while the function is being recorded.*where\(condition, a, b\)/);
  });

  it('the asynchronous readers refuse too', async () => {
    let reading: Promise<unknown> = Promise.resolve();
    evaluate.sync(() => {
      reading = ones([1]).data();
      return ones([1]);
    });
    await expect(reading).rejects.toThrow(/while the function is being recorded/);
  });

  it('an async function is refused', () => {
    expect(() => evaluate.sync(async () => ones([1]))).toThrow(
      /returned a promise.*plain function/,
    );
  });

  it('a stand-in that escaped says so', () => {
    let escaped: Tensor | undefined;
    evaluate.sync(() => {
      escaped = ones([1]);
      return escaped;
    });
    expect(() => evaluate.sync(() => (escaped as Tensor).add(1))).toThrow(
      /recording that has ended/,
    );
    expect(() => (escaped as Tensor).add(1)).toThrow(/no numbers yet/);
  });

  it('a failed recording leaves no recording behind', () => {
    expect(() =>
      evaluate.sync(() => {
        throw new Error('mine');
      }),
    ).toThrow('mine');
    expect(isRecording()).toBe(false);
    expect(tensor([1]).add(1).arraySync()).toEqual([2]);
  });
});

describe('on a device that cannot be read at once', () => {
  it('awaiting gives what sync gives elsewhere', async () => {
    const run = () =>
      scan((c: Tensor, x: Tensor) => [c.add(x), c.mul(x)], tensor(1), tensor([2, 3, 4]));
    const near = await run();
    await setBackend(distant());
    const far = await run();
    expect(await far[0].item()).toBe(await near[0].item());
    expect(await far[1].array()).toEqual([2, 9, 24]);
  });

  it('a device function that reads in the middle is driven across the reads', async () => {
    await setBackend(distant());
    const x = tensor([5]);
    const double = deviceFunction(
      () => x,
      function* run(): Run<Tensor> {
        const [value] = yield (x.source as unknown as { buffer: never }).buffer;
        return tensor([2 * value]);
      },
    );
    const [a, b] = await Promise.all([double(), double()]);
    expect([await a.item(), await b.item()]).toEqual([10, 10]);
    expect(() => double.sync()).toThrow(/\.sync\(\) is not to be had on backend "reference"/);
  });

  it('the synchronous readers say to await', async () => {
    await setBackend(distant());
    expect(() => tensor([1]).dataSync()).toThrow(/Use `await tensor.data\(\)`/);
  });
});

describe('a result that is still on its way', () => {
  it('says so when it is used without await', async () => {
    const result = evaluate(() => tensor([1, 2]).sum());
    expect(() => result.add(1)).toThrow(
      '".add" was read from a result that is still being computed',
    );
    expect(await (await result).item()).toBe(3);
  });

  it('is a promise in every other way', async () => {
    await expect(evaluate(() => tensor([1]).reshape([2]))).rejects.toThrow(/element counts differ/);
    const settled = await evaluate(() => tensor([1])).finally(() => {});
    expect(settled).toBeInstanceOf(Tensor);
    const [one] = await Promise.all([evaluate(() => tensor([1]))]);
    expect(await one.array()).toEqual([1]);
  });
});

describe('making tensors', () => {
  it('reads nested arrays, typed arrays and booleans', () => {
    expect(tensor([[1, 2, 3]]).shape).toEqual([1, 3]);
    expect(tensor(new Float32Array(6), [2, 3]).dtype).toBe('float32');
    expect(tensor([true, false]).arraySync()).toEqual([true, false]);
    expect(tensor(7).arraySync()).toBe(7);
  });

  it.each([
    [
      () => tensor([[1], [1, 2]]),
      /nested arrays of different lengths; got rows of shape \[1\] and \[2\]/,
    ],
    [() => tensor([1, 2, 3], [2, 2]), /3 elements for shape \[2, 2\]/],
    [() => tensor(new Uint8Array(3)), /bytes can mean numbers or booleans/],
    [() => tensor(['1'] as never), /an element is not a number; got 1/],
    [() => ones([2]).add(ones([3])), /add: shapes do not broadcast; got \[2\] and \[3\]/],
    [() => ones([2]).add(ones([2], { dtype: 'float32' })), /float64 and float32.*\.cast\(dtype\)/],
    [() => ones([2, 3]).matMul(ones([2, 3])), /inner extents differ; got \[2, 3\] × \[2, 3\]/],
    [() => ones([2]).sum(3), /sum: no such axis; got axis 3 of a tensor of rank 1/],
    [() => ones([2]).add('1' as never), /neither a tensor nor a number/],
    [() => where(ones([2]), 1, 2), /both branches are plain numbers/],
    [() => ones([2]).reshape([3, -1]), /no extent fits in place of -1/],
    [() => random(0.5), /the seed must be an integer; got 0.5/],
  ])('refuses nonsense %#', (attempt, message) => {
    expect(attempt).toThrow(message);
  });
});

describe('trees', () => {
  it('flatten by sorted keys and keep what is not a tensor', () => {
    const tree = { b: tensor(1), a: [tensor(2), 'label', null], n: 5 };
    const { tensors, rebuild } = flatten(tree);
    expect(tensors.map((each) => each.itemSync())).toEqual([2, 1]);
    expect(rebuild(tensors)).toEqual(tree);
    expect(structureKey({ x: tensor([1]), s: 'a' })).not.toBe(
      structureKey({ x: tensor([1]), s: 'b' }),
    );
    expect(structureKey([tensor([1])])).toBe(structureKey([tensor([9])]));
  });
});

describe('random', () => {
  it('is reproducible, splittable, and goes on from its state', () => {
    const a = random(42);
    const first = a.normal([5]).arraySync();
    expect(random(42).normal([5]).arraySync()).toEqual(first);
    expect(random(43).normal([5]).arraySync()).not.toEqual(first);
    const saved = a.state();
    const next = a.uniform([4]).arraySync();
    expect(randomFromState(saved).uniform([4]).arraySync()).toEqual(next);
    const parent = random(1);
    const child = parent.split();
    expect(child.uniform([4]).arraySync()).not.toEqual(parent.uniform([4]).arraySync());
  });

  it('differs from the first draw on between neighbouring seeds', () => {
    const firsts = Array.from({ length: 4000 }, (_, seed) => random(seed).next());
    const mean = firsts.reduce((a, b) => a + b, 0) / firsts.length;
    // Five standard errors of the mean of uniform numbers; and neighbours are uncorrelated, within five as well.
    expect(Math.abs(mean - 0.5)).toBeLessThan(5 / Math.sqrt(12 * firsts.length));
    const pairs = firsts.slice(1).map((value, i) => (value - 0.5) * (firsts[i] - 0.5) * 12);
    const correlation = pairs.reduce((a, b) => a + b, 0) / pairs.length;
    expect(Math.abs(correlation)).toBeLessThan(5 / Math.sqrt(pairs.length));
    expect(() => randomFromState([1, 2])).toThrow(/not the state of a stream; got \[1, 2\]/);
  });

  it('has the moments it should', () => {
    const values = Array.from(random(7).normal([200_000], 3, 2).dataSync());
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const variance = values.reduce((total, v) => total + (v - mean) ** 2, 0) / values.length;
    // Five standard errors of the mean and of the variance.
    expect(Math.abs(mean - 3)).toBeLessThan((5 * 2) / Math.sqrt(values.length));
    expect(Math.abs(variance - 4)).toBeLessThan(5 * 4 * Math.sqrt(2 / values.length));
    expect([...random(3).permutation(50)].sort((a, b) => a - b)).toEqual(
      Array.from({ length: 50 }, (_, i) => i),
    );
  });
});
