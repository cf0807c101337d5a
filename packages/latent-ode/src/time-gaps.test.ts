/** The gaps by doubling strides against the loops that define them, on random masks. */
import { reference } from '@neuralode/backend-reference';
import { setBackend, tensor } from '@neuralode/tensor';
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { type ReadyBatch, readBatch } from './batch.ts';
import { gapsToNext, lastObserved, observedBefore } from './time-gaps.ts';

beforeAll(async () => {
  await setBackend(reference());
});

const lengths = fc.integer({ min: 1, max: 20 });
const masks = lengths.chain((length) =>
  fc.array(fc.array(fc.integer({ min: 0, max: 1 }), { minLength: length, maxLength: length }), {
    minLength: 1,
    maxLength: 3,
  }),
);

/** Times 0, 1, 4, 9 …; value = 100 · series + index. */
function batchOf(mask: readonly number[][]): ReadyBatch {
  const times = mask[0]!.map((_, i) => i * i);
  const values = mask.map((row, b) => row.map((_, i) => [100 * b + i]));
  return readBatch({ times, values: tensor(values), mask: tensor(mask) }, 1, 'test');
}

it('finds the next, the one before and the last as a loop does', () => {
  fc.assert(
    fc.property(masks, (mask) => {
      const batch = batchOf(mask);
      const next = gapsToNext(batch).arraySync() as number[][];
      const before = observedBefore(batch);
      const gaps = before.gaps.arraySync() as number[][];
      const seen = before.seen.arraySync() as number[][];
      const values = before.values.arraySync() as number[][][];
      const last = lastObserved(batch);
      mask.forEach((row, b) => {
        row.forEach((_, i) => {
          const after = row.findIndex((one, j) => j > i && one === 1);
          const earlier = row.findLastIndex((one, j) => j < i && one === 1);
          expect(next[b]![i]).toBe(after < 0 ? 0 : after ** 2 - i ** 2);
          expect(gaps[b]![i]).toBe(earlier < 0 ? 0 : i ** 2 - earlier ** 2);
          expect(seen[b]![i]).toBe(earlier < 0 ? 0 : 1);
          expect(values[b]![i]).toEqual([earlier < 0 ? 0 : 100 * b + earlier]);
        });
        const final = row.lastIndexOf(1);
        if (final < 0) return;
        expect(last.times.dataSync()[b]).toBe(final ** 2);
        expect(last.values.dataSync()[b]).toBe(100 * b + final);
      });
    }),
    { numRuns: 60 },
  );
});

it('gives without a mask what it gives with a full one', () => {
  const times = [0, 0.5, 2, 3];
  const values = tensor([
    [[1], [2], [3], [4]],
    [[5], [6], [7], [8]],
  ]);
  const whole = readBatch({ times, values }, 1, 'test');
  const masked = readBatch(
    {
      times,
      values,
      mask: tensor([
        [1, 1, 1, 1],
        [1, 1, 1, 1],
      ]),
    },
    1,
    'test',
  );
  expect(gapsToNext(whole).arraySync()).toEqual(gapsToNext(masked).arraySync());
  const [a, b] = [observedBefore(whole), observedBefore(masked)];
  expect(a.values.arraySync()).toEqual(b.values.arraySync());
  expect(a.gaps.arraySync()).toEqual(b.gaps.arraySync());
  expect(a.seen.arraySync()).toEqual(b.seen.arraySync());
  expect(lastObserved(whole).values.arraySync()).toEqual(lastObserved(masked).values.arraySync());
  expect(lastObserved(whole).times.arraySync()).toEqual(lastObserved(masked).times.arraySync());
});
