/** Short trainings: what is learned is a density near the target, and samples and density agree. */
import { reference } from '@neuralode/backend-reference';
import {
  cnf,
  flowMatching,
  flowMatchingBatch,
  gaussianBase,
  hutchinson,
  layerStack,
  logIntegral,
  negativeLogLikelihood,
  planarField,
  planeGrid,
  regularisedLogLikelihood,
  reverseKl,
} from '@neuralode/cnf';
import { adam, train } from '@neuralode/nn';
import { evaluate, random, setBackend, type Tensor, tensor } from '@neuralode/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { mean, toList } from './numeric.ts';

beforeAll(async () => {
  await setBackend(reference());
});

const base = gaussianBase(2);
const loose = { rtol: 1e-3, atol: 1e-4 };

/** N(centre, diag(0.5², 1.5²)): its entropy is log(2πe · 0.75). */
const centre = [1, -0.5];
const entropy = Math.log(2 * Math.PI * Math.E * 0.75);
const target = (x: Tensor): Tensor =>
  x
    .sub(tensor(centre))
    .div(tensor([0.5, 1.5]))
    .square()
    .sum(-1)
    .mul(-0.5);
const logTargetMass = Math.log(2 * Math.PI * 0.75);

function draw(count: number, rng: ReturnType<typeof random>): Tensor {
  const rows = Array.from({ length: count }, () => [
    centre[0] + 0.5 * rng.nextNormal(),
    centre[1] + 1.5 * rng.nextNormal(),
  ]);
  return tensor(rows);
}

describe('density matching', () => {
  it('brings KL(q ‖ p) near 0, counted from the target’s own mass', async () => {
    const flow = cnf({ field: planarField({ dimension: 2, width: 16 }), base, ...loose });
    const loss = (p: never, { z }: { z: Tensor }): Tensor => reverseKl(flow, p, z, target);
    const params = flow.init(random(0));
    const z = base.sample(random(9), 500);
    const divergence = async (p: typeof params): Promise<number> =>
      (await evaluate(() => loss(p as never, { z }))).itemSync() + logTargetMass;
    expect(await divergence(params)).toBeGreaterThan(0.3);
    const { params: trained } = await train({
      params,
      optimiser: adam({ learningRate: 0.03 }),
      batch: (_, rng) => ({ z: base.sample(rng, 64) }),
      loss: (p, batch) => loss(p as never, batch),
      iterations: 120,
    });
    const reached = await divergence(trained);
    expect(reached).toBeLessThan(0.06);
    expect(reached).toBeGreaterThan(-0.05); // KL ≥ 0, up to the noise of 500 points
  });
});

describe('maximum likelihood', () => {
  it('reaches the entropy of the data with Hutchinson’s trace and the regularisers', async () => {
    const field = layerStack({ dimension: 2, hidden: [16] });
    const flow = cnf({ field, base, trace: hutchinson(), ...loose });
    const { params } = await train({
      params: flow.init(random(0)),
      optimiser: adam({ learningRate: 0.03 }),
      batch: (_, rng) => ({ x: draw(100, rng), noise: flow.noise(rng, 100) }),
      loss: (p, { x, noise }) => regularisedLogLikelihood(flow, p, x, {}, { noise }),
      iterations: 120,
    });
    const exactly = cnf({ field, base, ...loose });
    const held = draw(1000, random(77));
    const score = await evaluate(() => negativeLogLikelihood(exactly, params, held));
    expect(Math.abs(score.itemSync() - entropy)).toBeLessThan(0.1);
  });
});

describe('flow matching', () => {
  it('gives a flow with the likelihood and the samples of the data, without a solve in training', async () => {
    let solves = 0;
    const field = layerStack({ dimension: 2, hidden: [24, 24] });
    const flow = cnf({ field, base, ...loose, onSolve: () => solves++ });
    const { params } = await train({
      params: flow.init(random(0)),
      optimiser: adam({ learningRate: 0.01 }),
      batch: (_, rng) => flowMatchingBatch(flow, draw(128, rng), rng),
      loss: (p, batch) => flowMatching(flow, p, batch),
      iterations: 350,
    });
    expect(solves).toBe(0);
    const score = -mean(toList(await flow.logProb(params, draw(1000, random(77)))));
    expect(Math.abs(score - entropy)).toBeLessThan(0.1);
    await expectSamplesToFit(flow, params);
  });

  it('has the velocity of a straight path for its minimum', async () => {
    // All data in one place c and a base around 0: the best field is (c − z)/(1 − s) on ψ, so it is exactly ∂ψ/∂s.
    const c = [2, -1];
    const field = {
      dimension: 2,
      init: () => tensor(0),
      apply: (_p: Tensor, t: Tensor, z: Tensor): Tensor =>
        tensor(c)
          .sub(z)
          .div(t.reshape([-1, 1]).neg().add(4)),
    };
    const flow = cnf({ field, base, span: [3, 4] });
    const batch = flowMatchingBatch(flow, tensor([c]).broadcastTo([64, 2]), random(0));
    const loss = await evaluate(() => flowMatching(flow, tensor(0), batch));
    expect(loss.itemSync()).toBeLessThan(1e-20);
  });
});

/**
 * A χ² test of samples against the density by quadrature: cells of a 6 × 6 grid, those where fewer than five points are
 * expected taken together with the outside.
 */
async function expectSamplesToFit<P>(flow: ReturnType<typeof cnf<P>>, params: P): Promise<void> {
  const count = 3000;
  const [half, cells, inner] = [4.5, 6, 10];
  const fine = planeGrid(half, cells * inner);
  const density = toList(await flow.logProb(params, fine.points));
  expect(Math.exp(logIntegral(density, fine))).toBeCloseTo(1, 2);
  const expected = new Map<number, number>();
  const cellOf = (x: number, y: number): number => {
    const [i, j] = [x, y].map((value) => Math.floor(((value + half) / (2 * half)) * cells));
    return i >= 0 && i < cells && j >= 0 && j < cells ? j * cells + i : -1;
  };
  (fine.points.arraySync() as number[][]).forEach(([x, y], i) => {
    const cell = cellOf(x, y);
    expected.set(cell, (expected.get(cell) ?? 0) + count * fine.area * Math.exp(density[i]));
  });
  const kept = new Set([...expected].filter(([, wanted]) => wanted >= 5).map(([cell]) => cell));
  const rest = count - [...kept].reduce((sum, cell) => sum + expected.get(cell)!, 0);
  const found = new Map<number, number>();
  for (const [x, y] of (await flow.sample(params, count, random(31))).arraySync() as number[][]) {
    const cell = cellOf(x, y);
    const key = kept.has(cell) ? cell : -1;
    found.set(key, (found.get(key) ?? 0) + 1);
  }
  let statistic = ((found.get(-1) ?? 0) - rest) ** 2 / Math.max(rest, 5);
  for (const cell of kept) {
    const wanted = expected.get(cell)!;
    statistic += ((found.get(cell) ?? 0) - wanted) ** 2 / wanted;
  }
  // The mean of χ² is its degrees of freedom k, its deviation √(2k): four of them are passed about once in 10,000.
  const freedom = kept.size;
  expect(kept.size).toBeGreaterThan(8);
  expect(statistic).toBeLessThan(freedom + 4 * Math.sqrt(2 * freedom));
}
