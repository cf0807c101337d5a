/** Series put together on the union of their times. */
import { reference } from '@neuralode/backend-reference';
import { setBackend } from '@neuralode/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { seriesBatch } from '../src/index.ts';

beforeAll(async () => {
  await setBackend(reference());
});

describe('seriesBatch', () => {
  it('takes the sorted union of the times and marks who was seen when', () => {
    const batch = seriesBatch([
      { times: [0, 2], values: [[1], [2]] },
      { times: [1, 2, 0.5], values: [[3], [4], [5]] },
    ]);
    expect(batch.times).toEqual([0, 0.5, 1, 2]);
    expect(batch.mask?.arraySync()).toEqual([
      [1, 0, 0, 1],
      [0, 1, 1, 1],
    ]);
    const values = batch.values.arraySync() as number[][][];
    expect([values[0]![3], values[1]![1], values[1]![2]]).toEqual([[2], [5], [3]]);
  });

  it('marks single values where one is missing', () => {
    const batch = seriesBatch([
      {
        times: [0, 1],
        values: [
          [1, Number.NaN],
          [2, 3],
        ],
      },
    ]);
    expect(batch.mask?.arraySync()).toEqual([
      [
        [1, 0],
        [1, 1],
      ],
    ]);
  });

  it('keeps to a grid that it is given', () => {
    const list = [{ times: [1], values: [[7]] }];
    expect(seriesBatch(list, [0, 1, 2]).mask?.arraySync()).toEqual([[0, 1, 0]]);
    expect(() => seriesBatch(list, [0, 2])).toThrow(/lacks.*1/s);
  });

  it('refuses points of different widths and no series at all', () => {
    expect(() => seriesBatch([])).toThrow(/no series/);
    expect(() => seriesBatch([{ times: [0, 1], values: [[1, 2], [3]] }])).toThrow(/point 1/);
  });
});
