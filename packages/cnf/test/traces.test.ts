/** The traces against each other, and against the divergence by differences. */
import { evaluate, random, setBackend, type Tensor, tensor } from '@neuralode/tensor';
import { reference } from '@neuralode/backend-reference';
import {
  closedForm,
  cnf,
  exact,
  type FieldAtTime,
  type FlowField,
  gaussianBase,
  hutchinson,
  layerStack,
  type Linearised,
  planarField,
  type TimeLayer,
} from '@neuralode/cnf';
import { euler } from '@neuralode/solvers';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { largestDifference, mean, toList } from './numeric.ts';

beforeAll(async () => {
  await setBackend(reference());
});

/** The Jacobians of a field at rows of `z` by central differences: [batch][output][input]. */
async function jacobians(velocity: (z: Tensor) => Tensor, z: Tensor): Promise<number[][][]> {
  const [batch, d] = z.shape as [number, number];
  const h = 1e-5;
  const result = Array.from({ length: batch }, () =>
    Array.from({ length: d }, () => [] as number[]),
  );
  for (let j = 0; j < d; j++) {
    const step = tensor(Array.from({ length: d }, (_, k) => (k === j ? h : 0)));
    const slope = await evaluate(() =>
      velocity(z.add(step))
        .sub(velocity(z.sub(step)))
        .mul(0.5 / h),
    );
    (slope.arraySync() as number[][]).forEach((row, b) => {
      row.forEach((value, i) => {
        result[b][i][j] = value;
      });
    });
  }
  return result;
}

function expectLinearised(found: Linearised, slopes: readonly number[][][]): void {
  const traces = slopes.map((rows) => rows.reduce((sum, row, i) => sum + row[i], 0));
  const squares = slopes.map((rows) => rows.flat().reduce((sum, value) => sum + value ** 2, 0));
  expect(largestDifference(toList(found.divergence), traces)).toBeLessThan(1e-8);
  expect(largestDifference(toList(found.squaredJacobian), squares)).toBeLessThan(1e-8);
}

const layers: readonly TimeLayer[] = ['ignore', 'concat', 'squash', 'concatsquash'];

describe('exact', () => {
  it.each(layers)(
    'is the trace of the Jacobian of a stack of %s layers, in 3 and in 6 dimensions',
    async (layer) => {
      for (const dimension of [3, 6]) {
        const field = layerStack({ dimension, hidden: [7], layer });
        const params = field.init(random(dimension));
        const z = random(1).normal([4, dimension]);
        const t = tensor(0.3);
        const velocity = (points: Tensor): Tensor => field.apply(params, t, points);
        const found = await evaluate(() => exact().linearise({ velocity }, z, undefined));
        expect(
          largestDifference(toList(found.velocity), toList(await evaluate(() => velocity(z)))),
        ).toBe(0);
        expectLinearised(found, await jacobians(velocity, z));
      }
    },
  );

  it('says once what it costs in many dimensions, and names Hutchinson', async () => {
    const said: string[] = [];
    const trace = exact({ onCost: (sentence) => said.push(sentence) });
    const field: FlowField<Tensor> = {
      dimension: 1000,
      init: () => tensor(-0.5),
      apply: (rate, _t, z) => z.mul(rate),
    };
    const flow = cnf({ field, base: gaussianBase(1000), trace, solver: euler(), stepSize: 1 });
    const x = random(0).normal([2, 1000]);
    const { logDet } = await flow.inverseWithLogDet(tensor(-0.5), x);
    expect(logDet.dataSync()[0]).toBeCloseTo(500, 6);
    await flow.inverseWithLogDet(tensor(-0.5), x);
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(/1000 Jacobian-vector products.*hutchinson\(\)/);
  });
});

describe('the closed form of the planar field', () => {
  it('is its trace and its Jacobian norm, at one time and at a time for each row', async () => {
    const field = planarField({ dimension: 3, width: 5, hyperWidth: 4 });
    const params = field.init(random(2));
    const z = random(1).normal([4, 3], 0, 2);
    for (const t of [tensor(0.7), tensor([0.1, 0.4, 0.7, 2])]) {
      const velocity = (points: Tensor): Tensor => field.apply(params, t, points);
      const found = await evaluate(() => field.linearise!(params, t, z));
      expectLinearised(found, await jacobians(velocity, z));
      const plain = toList(await evaluate(() => velocity(z)));
      expect(largestDifference(toList(found.velocity), plain)).toBeLessThan(1e-14);
    }
  });

  it('reads a time for each row as it reads the time of all', async () => {
    const field = planarField({ dimension: 2, width: 5, hyperWidth: 4 });
    const params = field.init(random(2));
    const z = random(1).normal([2, 2]);
    const rows = await evaluate(() => field.apply(params, tensor([0.2, 0.9]), z));
    for (const [row, time] of [0.2, 0.9].entries()) {
      const one = await evaluate(() => field.apply(params, tensor(time), z).at(row));
      expect(largestDifference(toList(one), toList(rows.at(row)))).toBeLessThan(1e-14);
    }
  });

  it('gives the flow that the exact trace gives', async () => {
    const field = planarField({ dimension: 2, width: 8 });
    const params = field.init(random(2));
    const x = random(1).normal([4, 2]);
    const of = async (trace: ReturnType<typeof exact>): Promise<number[]> => {
      const flow = cnf({ field, base: gaussianBase(2), trace, rtol: 1e-8, atol: 1e-9 });
      const all = await flow.logProbRegularised(params, x);
      return [...toList(all.logProb), ...toList(all.jacobianNorm)];
    };
    expect(largestDifference(await of(closedForm()), await of(exact()))).toBeLessThan(1e-7);
  });
});

describe.each(['gaussian', 'rademacher'] as const)(
  "Hutchinson's estimate with %s noise",
  (noise) => {
    it('has the exact trace and norm for its mean, to the standard error', async () => {
      const field = layerStack({ dimension: 3, hidden: [8] });
      const params = field.init(random(7));
      const rows = 20_000;
      const point = random(1).normal([1, 3]);
      const velocity = (z: Tensor): Tensor => field.apply(params, tensor(0.5), z);
      const atTime: FieldAtTime = { velocity };
      const trace = hutchinson({ noise });
      const many = point.broadcastTo([rows, 3]);
      const draws = trace.noise!(random(3), [rows, 3]);
      const found = await evaluate(() => trace.linearise(atTime, many, draws));
      const truth = await evaluate(() => exact().linearise(atTime, point, undefined));
      for (const part of ['divergence', 'squaredJacobian'] as const) {
        const values = toList(found[part]);
        const average = mean(values);
        const variance = mean(values.map((value) => (value - average) ** 2));
        expect(variance).toBeGreaterThan(0);
        const standardErrors = (average - truth[part].dataSync()[0]) / Math.sqrt(variance / rows);
        expect(Math.abs(standardErrors)).toBeLessThan(4);
      }
    });

    it('draws noise of mean 0 and covariance 1, the same from one seed', () => {
      const trace = hutchinson({ noise });
      const draw = (seed: number): number[] => toList(trace.noise!(random(seed), [50_000, 2]));
      const values = draw(5);
      expect(values).toEqual(draw(5));
      expect(values).not.toEqual(draw(6));
      expect(Math.abs(mean(values))).toBeLessThan(0.015);
      expect(mean(values.map((value) => value ** 2))).toBeCloseTo(1, 1);
      const products = Array.from({ length: 50_000 }, (_, i) => values[2 * i] * values[2 * i + 1]);
      expect(Math.abs(mean(products))).toBeLessThan(0.02);
      if (noise === 'rademacher') expect(new Set(values)).toEqual(new Set([-1, 1]));
    });

    it('is unbiased for the log-density of a whole solve', async () => {
      const field = layerStack({ dimension: 2, hidden: [6] });
      const params = field.init(random(7)).map((layer) => ({
        ...layer,
        main: { ...layer.main, weight: layer.main.weight.mul(2) },
      }));
      const flow = cnf({ field, base: gaussianBase(2), trace: hutchinson({ noise }) });
      const point = tensor([[0.4, -0.3]]);
      const rows = 4000;
      const x = point.broadcastTo([rows, 2]);
      const values = toList(await flow.logProb(params, x, { noise: flow.noise(random(8), rows) }));
      const [truth] = toList(await flow.logProb(params, point, { trace: exact() }));
      const average = mean(values);
      const variance = mean(values.map((value) => (value - average) ** 2));
      expect(variance).toBeGreaterThan(1e-4);
      expect(Math.abs(average - truth) / Math.sqrt(variance / rows)).toBeLessThan(4);
    });
  },
);

it('reads any diagonal field exactly by one Rademacher probe', async () => {
  // εᵢ² = 1, so a field without cross terms leaves no variance.
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 9 }), fc.integer(), async (dimension, seed) => {
      const z = random(seed).normal([3, dimension]);
      const velocity = (points: Tensor): Tensor => points.sin();
      const trace = hutchinson();
      const noise = trace.noise!(random(seed), [3, dimension]);
      const once = await evaluate(() => trace.linearise({ velocity }, z, noise));
      const truth = (z.arraySync() as number[][]).map((row) =>
        row.reduce((sum, value) => sum + Math.cos(value), 0),
      );
      expect(largestDifference(toList(once.divergence), truth)).toBeLessThan(1e-12);
    }),
    { numRuns: 25 },
  );
});
