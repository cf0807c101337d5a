/** The latent ODE: what may and may not change its results, and the gradient of its bound. Float64. */
import { grad } from '@neuralode/autodiff';
import { reference } from '@neuralode/backend-reference';
import { gruCell } from '@neuralode/nn';
import { rk4 } from '@neuralode/solvers';
import { evaluate, random, setBackend, type Tensor, tensor } from '@neuralode/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { type LatentOdeNetworks, latentOde, type SeriesBatch } from '../src/index.ts';
import { centralGradient, fromList, largestDifference, toList } from './numeric.ts';

beforeAll(async () => {
  await setBackend(reference());
});

const times = [0, 0.3, 0.5, 1];
const mask = [
  [1, 0, 1, 1],
  [0, 1, 1, 0],
  [1, 1, 1, 1],
];
const networks = { observed: 2, latent: 2, encoderHidden: 3, fieldHidden: 3, decoderHidden: 3 };

/** Fixed steps, so that a series' numbers do not depend on those beside it. */
function modelOf(changes: Partial<LatentOdeNetworks> = {}) {
  return latentOde({
    ...networks,
    observationNoise: 0.4,
    ...changes,
    solver: rk4(),
    stepSize: 0.1,
  });
}

/** Three series of two values; `hidden` stands where the mask is 0. */
function batchOf(hidden = 9): SeriesBatch & { values: Tensor; mask: Tensor } {
  const rng = random(3);
  const values = mask.map((row) =>
    row.map((one) => {
      const point = [rng.nextNormal(), rng.nextNormal()];
      return one === 1 ? point : [hidden, hidden];
    }),
  );
  return { times, values: tensor(values), mask: tensor(mask) };
}

const noise = (): Tensor => random(8).normal([3, 2]);

/** Everything that the model says about a batch, as numbers. */
function outputs(model: ReturnType<typeof modelOf>, batch: SeriesBatch, seed = 1): number[] {
  const params = model.init(random(seed));
  return toList(
    evaluate.sync(() => [
      model.elbo(params, batch, noise()),
      model.encode(params, batch),
      model.reconstruct(params, batch, [0.2, 0.9, 1.7]),
    ]),
  );
}

describe('the encoder and the bound', () => {
  it('never look at what the mask hides, be it NaN', () => {
    const expected = outputs(modelOf(), batchOf());
    expect(outputs(modelOf(), batchOf(-123))).toEqual(expected);
    expect(outputs(modelOf(), batchOf(Number.NaN))).toEqual(expected);
  });

  it('skip a hidden step as if its time were not there', () => {
    const model = modelOf();
    const params = model.init(random(1));
    const { values } = batchOf();
    const without = {
      times: [0, 0.5, 1],
      values: values.slice([0], [1]).gather([0, 2, 3], 1),
    };
    const { mean } = evaluate.sync(() => model.encode(params, without));
    const all = evaluate.sync(() => model.encode(params, batchOf()));
    expect(largestDifference(all.mean.dataSync().slice(0, 2), mean.dataSync())).toBeLessThan(1e-14);
  });

  it('keep series apart: order and neighbours do not matter', () => {
    const model = modelOf();
    const params = model.init(random(1));
    const { values, mask: seen } = batchOf();
    const order = [2, 0, 1];
    const shuffled = { times, values: values.gather(order), mask: seen.gather(order) };
    const alone = { times, values: values.slice([1], [1]), mask: seen.slice([1], [1]) };
    const run = (batch: SeriesBatch): number[][] =>
      evaluate
        .sync(() => model.reconstruct(params, batch, [0, 0.4, 2]))
        .reshape([-1, 6])
        .arraySync() as number[][];
    const rows = run(batchOf());
    run(shuffled).forEach((row, i) => {
      expect(largestDifference(row, rows[order[i]!]!)).toBeLessThan(1e-13);
    });
    expect(largestDifference(run(alone)[0]!, rows[1]!)).toBeLessThan(1e-13);
  });

  it('take a mask of single values', () => {
    const model = modelOf({ missingValues: true });
    const { values } = batchOf();
    const partial = mask.map((row, b) => row.map((one, i) => [one, (one * (b + i)) % 2]));
    const hide = (by: number): SeriesBatch => ({
      times,
      values: values.add(tensor(partial).mul(-1).add(1).mul(by)),
      mask: tensor(partial),
    });
    expect(outputs(model, hide(5))).toEqual(outputs(model, hide(0)));
    const shown = { ...hide(0), mask: tensor(partial.map((row) => row.map(([a]) => [a!, a!]))) };
    expect(outputs(model, shown)).not.toEqual(outputs(model, hide(0)));
  });
});

describe('the bound', () => {
  it('is the likelihood of the decoded path minus the divergence', () => {
    const model = modelOf();
    const params = model.init(random(1));
    const batch = batchOf(0);
    const { parts, q, path } = evaluate.sync(() => {
      const posterior = model.encode(params, batch);
      const z0 = posterior.mean.add(posterior.logVariance.mul(0.5).exp().mul(noise()));
      const parts = model.elbo(params, batch, noise(), { klWeight: 0.25 });
      return { parts, q: posterior, path: model.decode(params, z0, times) };
    });
    const [means, logs] = [toList(q.mean), toList(q.logVariance)];
    const kl = means.reduce(
      (sum, m, i) => sum + (m * m + Math.exp(logs[i]!) - 1 - logs[i]!) / 2,
      0,
    );
    const decoded = path.dataSync();
    const shown = mask.flat().flatMap((one) => [one, one]);
    const likelihood = toList(batch.values).reduce((sum, x, i) => {
      const density =
        -(((x - decoded[i]!) / 0.4) ** 2) / 2 - Math.log(0.4 * Math.sqrt(2 * Math.PI));
      return sum + shown[i]! * density;
    }, 0);
    expect(parts.kl.itemSync()).toBeCloseTo(kl / 3, 12);
    expect(parts.logLikelihood.itemSync()).toBeCloseTo(likelihood / 3, 12);
    expect(parts.elbo.itemSync()).toBeCloseTo((likelihood - 0.25 * kl) / 3, 12);
  });

  it('has the gradient that central differences give', () => {
    const model = modelOf({ latent: 1, encoderHidden: 2, fieldHidden: 2, decoderHidden: 2 });
    const params = model.init(random(2));
    const eps = random(8).normal([3, 1]);
    const loss = (p: typeof params): Tensor => {
      const { elbo, drift } = model.elbo(p, batchOf(), eps, { drift: true });
      return elbo.add(drift);
    };
    const got = toList(grad(loss).sync(params));
    const at = (list: number[]): number =>
      evaluate.sync(() => loss(fromList(params, list))).itemSync();
    const expected = centralGradient(at, toList(params));
    const size = Math.max(1, ...expected.map(Math.abs));
    expect(largestDifference(got, expected) / size).toBeLessThan(1e-7);
  });
});

describe('the drift', () => {
  it('compares the path with what later observations alone say of it', () => {
    const model = modelOf();
    const params = model.init(random(1));
    const { values, mask: seen } = batchOf(0);
    const later = { times: times.slice(1), values: values.slice([0, 1]), mask: seen.slice([0, 1]) };
    const { bound, path, first, second } = evaluate.sync(() => {
      const q = model.encode(params, batchOf());
      const z0 = q.mean.add(q.logVariance.mul(0.5).exp().mul(noise()));
      return {
        bound: model.elbo(params, batchOf(), noise(), { drift: true }),
        path: model.path(params, z0, times),
        first: q.mean,
        second: model.encode(params, later).mean,
      };
    });
    // the first half of four times: the first two
    const [z, a, b] = [toList(path), toList(first), toList(second)];
    let expected = 0;
    for (let s = 0; s < 3; s++) {
      for (let d = 0; d < 2; d++) {
        expected += (z[s * 8 + d]! - a[s * 2 + d]!) ** 2 + (z[s * 8 + 2 + d]! - b[s * 2 + d]!) ** 2;
      }
    }
    expect(bound.drift.itemSync()).toBeCloseTo(expected / 6, 12);
    const plain = evaluate.sync(() => model.elbo(params, batchOf(), noise()));
    expect(bound.elbo.itemSync()).toBeCloseTo(plain.elbo.itemSync(), 12);
  });
});

describe('options and times', () => {
  it('change the result, each of them', () => {
    const plain = outputs(modelOf(), batchOf());
    expect(outputs(modelOf({ gaps: false }), batchOf())).not.toEqual(plain);
    expect(outputs(modelOf({ cell: gruCell }), batchOf())).not.toEqual(plain);
    expect(outputs(modelOf({ observationNoise: 0.5 }), batchOf())).not.toEqual(plain);
    for (const width of ['encoderHidden', 'fieldHidden', 'decoderHidden'] as const) {
      expect(outputs(modelOf({ [width]: 4 }), batchOf())).not.toEqual(plain);
    }
    expect(modelOf({ latent: 7 }).init(random(0)).field[0]!.weight.shape).toEqual([7, 3]);
  });

  it('are seen by the encoder as gaps', () => {
    const later = { ...batchOf(), times: [0, 0.3, 0.6, 1] };
    const model = modelOf();
    const params = model.init(random(1));
    const mean = (batch: SeriesBatch): number[] =>
      toList(evaluate.sync(() => model.encode(params, batch).mean));
    expect(mean(later)).not.toEqual(mean(batchOf()));
  });

  it('tell the encoder how late a series begins', () => {
    const model = modelOf();
    const params = model.init(random(1));
    const mean = (first: number): number[] => {
      const batch = {
        times: [0, first, 1],
        values: tensor([[[9], [1], [2]]]),
        mask: tensor([[0, 1, 1]]),
      };
      const one = modelOf({ observed: 1 });
      return toList(evaluate.sync(() => one.encode(one.init(random(1)), batch).mean));
    };
    const shifted = { ...batchOf(), times: times.map((time) => time + 3) };
    expect(mean(0.2)).not.toEqual(mean(0.5));
    const at = (batch: SeriesBatch): number[] =>
      toList(evaluate.sync(() => model.encode(params, batch).mean));
    expect(largestDifference(at(shifted), at(batchOf()))).toBeLessThan(1e-13);
  });

  it('may be a tensor', () => {
    const inTensor = { ...batchOf(), times: tensor(times) };
    const model = modelOf();
    const params = model.init(random(1));
    const run = (batch: SeriesBatch): number[] =>
      toList(
        evaluate.sync(() => [model.elbo(params, batch, noise()), model.reconstruct(params, batch)]),
      );
    expect(largestDifference(run(inTensor), run(batchOf()))).toBeLessThan(1e-12);
  });

  it('of a reconstruction are free from the batch’s first on', () => {
    const model = modelOf();
    const params = model.init(random(1));
    const at = (asked: number[]): number[][][] =>
      evaluate.sync(() => model.reconstruct(params, batchOf(), asked)).arraySync() as number[][][];
    const many = at([0, 0.25, 0.5, 2]);
    const few = at([0.5, 2]);
    few.forEach((series, b) => {
      expect(largestDifference(series.flat(), many[b]!.slice(2).flat())).toBeLessThan(1e-6);
    });
    expect(at([0])[1]![0]).toEqual(many[1]![0]);
    expect(() => at([-1, 2])).toThrow(/before the first/);
  });

  it('and shapes that do not fit are refused in a sentence', () => {
    const model = modelOf();
    const params = model.init(random(1));
    const encode = (batch: SeriesBatch): unknown =>
      evaluate.sync(() => model.encode(params, batch));
    const { values } = batchOf();
    expect(() => encode({ times: [0, 1], values })).toThrow(/values do not fit.*\[batch, 2, 2\]/s);
    expect(() => encode({ times, values, mask: tensor([[1]]) })).toThrow(/mask does not fit/);
    expect(() => modelOf({ observationNoise: 0 })).toThrow(/observationNoise/);
  });
});
