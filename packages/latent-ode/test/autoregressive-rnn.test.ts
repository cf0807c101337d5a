/** The autoregressive baseline: what it may look at, and what it does beyond the observations. Float64. */
import { grad } from '@neuralode/autodiff';
import { reference } from '@neuralode/backend-reference';
import { evaluate, random, setBackend, type Tensor, tensor } from '@neuralode/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { autoregressiveRnn, type SeriesBatch } from '../src/index.ts';
import { centralGradient, fromList, largestDifference, toList } from './numeric.ts';

beforeAll(async () => {
  await setBackend(reference());
});

const times = [0, 0.3, 0.5, 1, 1.2];
const seen = [
  [1, 0, 1, 1, 0],
  [0, 1, 1, 0, 1],
];
const model = autoregressiveRnn({ observed: 2, hidden: 3 });

function valuesOf(change: (b: number, i: number) => number = () => 0): number[][][] {
  const rng = random(3);
  return seen.map((row, b) =>
    row.map((_, i) => [rng.nextNormal() + change(b, i), rng.nextNormal()]),
  );
}

const batchOf = (change?: (b: number, i: number) => number): SeriesBatch => ({
  times,
  values: tensor(valuesOf(change)),
  mask: tensor(seen),
});

function predictions(batch: SeriesBatch, which = model): number[][][] {
  const params = which.init(random(1));
  return evaluate.sync(() => which.predict(params, batch)).arraySync() as number[][][];
}

describe('predict', () => {
  it('looks at nothing that the mask hides', () => {
    const hidden = batchOf((b, i) => (seen[b]![i] === 0 ? 7 : 0));
    expect(predictions(hidden)).toEqual(predictions(batchOf()));
  });

  it('looks at nothing that comes at its own time or later', () => {
    const before = predictions(batchOf());
    const after = predictions(batchOf((_, i) => (i >= 2 ? 7 : 0)));
    for (const b of [0, 1]) expect(after[b]!.slice(0, 3)).toEqual(before[b]!.slice(0, 3));
    expect(after[0]![3]).not.toEqual(before[0]![3]);
  });

  it('takes account of the time that it predicts, unless told not to', () => {
    const moved = { ...batchOf(), times: [0, 0.4, 0.5, 1, 1.2] };
    expect(predictions(moved)[0]![1]).not.toEqual(predictions(batchOf())[0]![1]);
    const plain = autoregressiveRnn({ observed: 2, hidden: 3, gaps: false });
    expect(predictions(moved, plain)).toEqual(predictions(batchOf(), plain));
  });
});

describe('extrapolate', () => {
  it('is predict with each prediction taken for an observation', () => {
    const params = model.init(random(1));
    const beyond = [1.5, 1.7, 2.2];
    const batch = batchOf();
    const got = evaluate
      .sync(() => model.extrapolate(params, batch, beyond))
      .arraySync() as number[][][];
    const values = valuesOf();
    const mask = seen.map((row) => [...row]);
    beyond.forEach((time, step) => {
      for (const row of values) row.push([0, 0]);
      for (const row of mask) row.push(0);
      const longer = {
        times: [...times, ...beyond.slice(0, step + 1)],
        values: tensor(values),
        mask: tensor(mask),
      };
      predictions(longer).forEach((series, b) => {
        const mean = series.at(-1)!;
        expect(largestDifference(got[b]![step]!, mean)).toBeLessThan(1e-12);
        values[b]![times.length + step] = mean;
        mask[b]![times.length + step] = 1;
      });
      expect(time).toBeGreaterThan(1.2);
    });
  });

  it('steps without times where the network is not fed with them', () => {
    const plain = autoregressiveRnn({ observed: 2, hidden: 3, gaps: false });
    const params = plain.init(random(1));
    const run = (at: number[]): unknown =>
      evaluate.sync(() => plain.extrapolate(params, batchOf(), at)).arraySync();
    expect(run([2, 3])).toEqual(run([7, 9]));
  });
});

describe('logLikelihood', () => {
  it('is that of the observations after the first, under the predictions', () => {
    const params = { ...model.init(random(1)), logNoise: tensor([-0.5, 0.2]) };
    const batch = batchOf();
    const got = evaluate.sync(() => model.logLikelihood(params, batch)).itemSync();
    const means = predictions(batch);
    let expected = 0;
    seen.forEach((row, b) => {
      const first = row.indexOf(1);
      row.forEach((one, i) => {
        if (one === 0 || i === first) return;
        [-0.5, 0.2].forEach((logNoise, d) => {
          const miss = (valuesOf()[b]![i]![d]! - means[b]![i]![d]!) / Math.exp(logNoise);
          expected += -(miss ** 2) / 2 - logNoise - Math.log(2 * Math.PI) / 2;
        });
      });
    });
    expect(got).toBeCloseTo(expected / 2, 12);
  });

  it('has the gradient that central differences give', () => {
    const params = model.init(random(2));
    const loss = (p: typeof params): Tensor => model.logLikelihood(p, batchOf());
    const got = toList(grad(loss).sync(params));
    const at = (list: number[]): number =>
      evaluate.sync(() => loss(fromList(params, list))).itemSync();
    expect(largestDifference(got, centralGradient(at, toList(params)))).toBeLessThan(1e-7);
  });

  it('refuses a mask of single values', () => {
    const params = model.init(random(1));
    const batch = { times, values: tensor(valuesOf()), mask: tensor(valuesOf()) };
    expect(() => evaluate.sync(() => model.predict(params, batch))).toThrow(/whole points/);
  });
});
