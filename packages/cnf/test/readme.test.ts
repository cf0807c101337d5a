/** The README: its programs in short, and every public name in it. */
import { readFileSync } from 'node:fs';
import { reference } from '@neuralode/backend-reference';
import * as published from '@neuralode/cnf';
import { cnf, gaussianBase, negativeLogLikelihood, planarField, toyData } from '@neuralode/cnf';
import { adam, train } from '@neuralode/nn';
import { random, setBackend, stack, type Tensor, tensor } from '@neuralode/tensor';
import { beforeAll, expect, it } from 'vitest';

beforeAll(async () => {
  await setBackend(reference());
});

it('runs as the README says', async () => {
  const flow = cnf({
    field: planarField({ dimension: 2, width: 8 }),
    base: gaussianBase(2),
    rtol: 1e-4,
    atol: 1e-5,
  });
  const { params } = await train({
    params: flow.init(random(0)),
    optimiser: adam({ learningRate: 0.01 }),
    batch: (_, rng) => ({ x: toyData('moons', 32, rng) }),
    loss: (p, { x }) => negativeLogLikelihood(flow, p, x),
    iterations: 3,
  });
  const { points, logProb } = await flow.sampleAndLogProb(params, 5, random(1));
  expect([points.shape, logProb.shape]).toEqual([[5, 2], [5]]);
  const [value] = (await (await flow.logProb(params, tensor([[0, 1.8]]))).array()) as number[];
  expect(value).toBeLessThan(-1);
});

it('takes a field of one’s own: a rotation keeps the Gaussian', async () => {
  const rotation = {
    dimension: 2,
    init: () => ({ rate: tensor(1) }),
    apply: ({ rate }: { rate: Tensor }, _t: Tensor, z: Tensor): Tensor =>
      stack([z.at(1, 1).neg(), z.at(0, 1)], 1).mul(rate),
  };
  const flow = cnf({ field: rotation, base: gaussianBase(2) });
  const x = tensor([[1, 0]]);
  const turned = await flow.transform({ rate: tensor(Math.PI / 2) }, x);
  expect(turned.dataSync()[0]).toBeCloseTo(0, 5);
  expect(turned.dataSync()[1]).toBeCloseTo(1, 5);
  const value = (await flow.logProb({ rate: tensor(1) }, x)).dataSync()[0];
  expect(value).toBeCloseTo(-0.5 - Math.log(2 * Math.PI), 6);
});

it('names all that is public', () => {
  const text = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const missing = Object.keys(published).filter((name) => !text.includes(`\`${name}\``));
  expect(missing).toEqual([]);
});
