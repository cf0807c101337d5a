/** Minibatches: every example once an epoch, the same from the same seed, nothing left on the device. */
import { reference } from '@neuralode/backend-reference';
import { batches, randomCrop, sgd, train } from '@neuralode/nn';
import { ArgumentError, memory, random, setBackend, type Tensor, tensor } from '@neuralode/tensor';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';

beforeAll(() => setBackend(reference()));

const listed = (seed: number, extra = {}) =>
  batches({
    count: 10,
    size: 3,
    seed,
    make: (examples, rng) => ({ examples, draw: rng.next() }),
    ...extra,
  });

async function several<B>(all: { at(i: number): Promise<B> }, positions: number[]): Promise<B[]> {
  const made: B[] = [];
  for (const position of positions) made.push(await all.at(position));
  return made;
}

describe('batches', () => {
  it('go through every example at most once in an epoch, in another order in the next', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 7 }),
        fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        async (count, size, seed) => {
          fc.pre(size <= count);
          const all = batches({ count, size, seed, make: (examples) => examples });
          expect(all.perEpoch).toBe(Math.floor(count / size));
          const epoch = await several(all, [...Array(all.perEpoch).keys()]);
          const seen = epoch.flat();
          expect(new Set(seen).size).toBe(all.perEpoch * size);
          expect(seen.every((example) => example >= 0 && example < count)).toBe(true);
          expect(epoch.every((batch) => batch.length === size)).toBe(true);
        },
      ),
    );
    const large = batches({ count: 100, size: 100, make: (examples) => examples });
    const [first, second] = await several(large, [0, 1]);
    expect(first).not.toEqual(second);
  });

  it('depend on seed and number alone, whatever was asked before', async () => {
    const positions = [0, 1, 2, 3, 4, 5, 6, 7];
    const straight = await several(listed(5), positions);
    const jumping = await several(listed(5, { prefetch: 3 }), [...positions].reverse());
    expect(jumping.reverse()).toEqual(straight);
    expect(await several(listed(6), positions)).not.toEqual(straight);
    const resumed: unknown[] = [];
    for await (const batch of listed(5).from(4)) {
      resumed.push(batch);
      if (resumed.length === 4) break;
    }
    expect(resumed).toEqual(straight.slice(4));
  });

  it('keep the order without shuffling', async () => {
    const [, second] = await several(listed(0, { shuffle: false }), [0, 1]);
    expect(second!.examples).toEqual([3, 4, 5]);
  });

  it('are made ahead, and freed', async () => {
    const before = memory().liveBytes;
    const made: number[][] = [];
    const all = batches({
      count: 6,
      size: 2,
      shuffle: false,
      prefetch: 2,
      make(examples) {
        made.push([...examples]);
        return { x: tensor([...examples]) };
      },
    });
    const first = await all.at(0);
    expect(made).toHaveLength(3);
    expect(await first.x.array()).toEqual([0, 1]);
    first.x.dispose();
    (await all.at(7)).x.dispose();
    await all.dispose();
    expect(memory().liveBytes).toBe(before);
  });

  it('tell a failure to whoever asks for the batch that failed', async () => {
    const all = batches({
      count: 4,
      size: 1,
      shuffle: false,
      make(examples) {
        if (examples[0] === 1) throw new Error('no such picture');
        return examples;
      },
    });
    expect(await all.at(0)).toEqual([0]);
    await expect(all.at(1)).rejects.toThrow('no such picture');
    expect(await all.at(2)).toEqual([2]);
  });

  it('feed train, which goes on after a break with the batches it would have met', async () => {
    const run = async (parts: number[]) => {
      let from: Awaited<ReturnType<typeof train>> | undefined;
      for (const iterations of parts) {
        const data = batches({ count: 10, size: 3, seed: 2, make: (e) => ({ x: tensor([...e]) }) });
        from = (await train({
          ...(from === undefined ? { params: { p: tensor(0) } } : { from: from as never }),
          optimiser: sgd({ learningRate: 0.01, momentum: 0.9 }),
          batch: (iteration) => data.at(iteration),
          loss: ({ p }: { p: Tensor }, { x }: { x: Tensor }) => x.sub(p).square().mean(),
          iterations,
        })) as never;
        await data.dispose();
      }
      return (from!.params as { p: Tensor }).p.itemSync();
    };
    expect(await run([4, 9])).toBe(await run([9]));
  });

  it('refuse what makes no batch', async () => {
    const make = (examples: readonly number[]) => examples;
    expect(() => batches({ count: 2, size: 3, make })).toThrow(/got 2 examples, 3 in a batch/);
    expect(() => batches({ count: 2, size: 0, make })).toThrow(ArgumentError);
    expect(() => batches({ count: 2, size: 1, seed: -1, make })).toThrow(/seed; got -1/);
    await expect(batches({ count: 2, size: 1, make }).at(-1)).rejects.toThrow(ArgumentError);
  });
});

describe('randomCrop', () => {
  it('moves each picture by at most the padding, and fills with zeros', () => {
    const shape = [3, 5, 4, 2] as const;
    const data = Float32Array.from({ length: 120 }, (_, i) => i + 1);
    const value = (pictures: Float32Array, n: number, y: number, x: number, c: number): number =>
      y < 0 || y >= 5 || x < 0 || x >= 4 ? 0 : pictures[((n * 5 + y) * 4 + x) * 2 + c]!;
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1e6 }),
        fc.integer({ min: 0, max: 6 }),
        (seed, padding) => {
          const { data: moved } = randomCrop({ data, shape }, padding, random(seed));
          for (let n = 0; n < 3; n++) {
            const shifts: [number, number][] = [];
            for (let dy = -padding; dy <= padding; dy++) {
              for (let dx = -padding; dx <= padding; dx++) shifts.push([dy, dx]);
            }
            const fits = ([dy, dx]: [number, number]): boolean => {
              for (let k = 0; k < 40; k++) {
                const [y, x, c] = [Math.floor(k / 8), Math.floor(k / 2) % 4, k % 2];
                if (value(moved, n, y, x, c) !== value(data, n, y + dy, x + dx, c)) return false;
              }
              return true;
            };
            expect(shifts.some(fits)).toBe(true);
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  it('comes to every place', () => {
    const places = new Set<string>();
    for (let seed = 0; seed < 200; seed++) {
      const { data } = randomCrop(
        { data: Float32Array.of(0, 0, 0, 0, 1, 0, 0, 0, 0), shape: [1, 3, 3, 1] },
        1,
        random(seed),
      );
      places.add(data.join(''));
    }
    expect(places.size).toBe(9);
  });

  it('refuses pictures of another size', () => {
    const data = new Float32Array(5);
    expect(() => randomCrop({ data, shape: [1, 2, 2, 1] }, 1, random(0))).toThrow(ArgumentError);
  });
});
