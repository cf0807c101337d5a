/** The baseline against its own inverse, the determinant of its Jacobian, and the plane's integral. */
import { grad, jvp } from '@neuralode/autodiff';
import { reference } from '@neuralode/backend-reference';
import {
  gaussianBase,
  logIntegral,
  negativeLogLikelihood,
  planarFlow,
  type PlanarFlowParams,
  planeGrid,
  reverseKl,
  toyEnergy,
} from '@neuralode/cnf';
import { evaluate, random, setBackend, type Tensor, tensor } from '@neuralode/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { centralGradient, determinant, elements, largestDifference, toList } from './numeric.ts';

beforeAll(async () => {
  await setBackend(reference());
});

/** Parameters far from the identity, some with wᵀu < −1, which only the constraint keeps invertible. */
function wild(layers: number): PlanarFlowParams {
  const rng = random(4);
  return {
    u: rng.normal([layers, 2], 0, 1.5),
    w: rng.normal([layers, 2], 0, 1),
    b: rng.normal([layers], 0, 1),
  };
}

describe.each(['toData', 'toBase'] as const)('layers that lead %s', (direction) => {
  const layers = 6;
  const flow = planarFlow({ base: gaussianBase(2), layers, direction });

  it('can be undone, with the opposite log-determinant', async () => {
    const params = wild(layers);
    const products = params.u.mul(params.w).sum(1).dataSync();
    expect(Math.min(...products)).toBeLessThan(-1);
    const z = random(1).normal([20, 2], 0, 1.5);
    const there = await evaluate(() => flow.transformWithLogDet(params, z));
    expect(largestDifference(toList(there.points), toList(z))).toBeGreaterThan(0.5);
    const back = await evaluate(() => flow.inverseWithLogDet(params, there.points));
    expect(largestDifference(toList(back.points), toList(z))).toBeLessThan(1e-9);
    expect(largestDifference(toList(back.logDet.neg()), toList(there.logDet))).toBeLessThan(1e-9);
  });

  it('has the log-determinant of the Jacobian of its layers', async () => {
    const params = wild(layers);
    const name = direction === 'toData' ? 'transformWithLogDet' : 'inverseWithLogDet';
    const map = (points: Tensor) => flow[name](params, points);
    const at = random(1).normal([6, 2], 0, 1.5);
    const { logDet } = await evaluate(() => map(at));
    const columns: number[][][] = [];
    for (const axis of [
      [1, 0],
      [0, 1],
    ]) {
      const { tangent } = await jvp(
        (x: Tensor) => map(x).points,
        [at],
        [tensor([axis]).broadcastTo([6, 2])],
      );
      columns.push(tangent.arraySync() as number[][]);
    }
    const expected = columns[0].map((first, row) =>
      Math.log(Math.abs(determinant([first, columns[1][row]]))),
    );
    expect(largestDifference(toList(logDet), expected)).toBeLessThan(1e-9);
  });

  it('is a density', async () => {
    const params = wild(layers);
    const grid = planeGrid(12, 120);
    const values = await evaluate(() => flow.logProb(params, grid.points));
    expect(Math.exp(logIntegral(values.dataSync(), grid))).toBeCloseTo(1, 2);
  });
});

it('has losses whose gradients are those of differences', async () => {
  const base = gaussianBase(2);
  const x = random(2).normal([6, 2]);
  const forward = planarFlow({ base, layers: 3, direction: 'toData' });
  const backward = planarFlow({ base, layers: 3, direction: 'toBase' });
  const losses: ((p: PlanarFlowParams) => Tensor)[] = [
    (p) => reverseKl(forward, p, x, toyEnergy('U1')),
    (p) => negativeLogLikelihood(backward, p, x),
  ];
  for (const loss of losses) {
    const params = wild(3);
    const slopes = elements(await grad(loss)(params));
    const expected = await centralGradient(
      async (p) => (await evaluate(() => loss(p))).itemSync(),
      params,
    );
    expect(largestDifference(slopes, expected)).toBeLessThan(1e-5);
  }
});
