/** What is refused, and in what words. */
import { jit } from '@neuralode/autodiff';
import { reference } from '@neuralode/backend-reference';
import {
  closedForm,
  cnf,
  type FlowField,
  flowMatching,
  type FlowMatchingBatch,
  flowMatchingBatch,
  gaussianBase,
  hutchinson,
  layerStack,
  negativeLogLikelihood,
  planarField,
  planarFlow,
  planeGrid,
  reverseKl,
  toyData,
  toyEnergy,
} from '@neuralode/cnf';
import { adam, train } from '@neuralode/nn';
import { evaluate, random, setBackend, type Tensor, tensor, zeros } from '@neuralode/tensor';
import { beforeAll, describe, expect, it } from 'vitest';

beforeAll(async () => {
  await setBackend(reference());
});

const field = layerStack({ dimension: 2, hidden: [3] });
const flow = cnf({ field, base: gaussianBase(2) });
const params = () => field.init(random(0));

it('refuses data of another dimension', async () => {
  await expect(flow.logProb(params(), zeros([4, 3]))).rejects.toThrow(
    /logProb: the points are not of the flow's dimension; got \[4, 3\]; expected a tensor \[batch, 2\]/,
  );
  await expect(flow.transform(params(), zeros([2]))).rejects.toThrow(/got \[2\]/);
  await expect(flow.logProb(params(), [[0, 0]] as unknown as Tensor)).rejects.toThrow(/got object/);
  await expect(flow.logProb(params(), zeros([4, 2], { dtype: 'int32' }))).rejects.toThrow(
    /floating-point/,
  );
  await expect(evaluate(() => flow.velocity(params(), tensor(0), zeros([4, 3])))).rejects.toThrow(
    /velocity/,
  );
});

it('finds a NaN or an infinity in data, and says where', async () => {
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
    const x = tensor([
      [0, 1],
      [2, bad],
    ]);
    await expect(flow.logProb(params(), x)).rejects.toThrow(
      new RegExp(`not finite; got ${bad} in row 1, column 1`),
    );
    // Inside a recorded function nothing can be read: the solve says it.
    await expect(jit((p: unknown) => flow.logProb(p as never, x))(params())).rejects.toThrow(
      /NaN|finite/,
    );
  }
});

describe('a NaN in the data of a training', () => {
  const at = 'in row 1, column 0 of x';
  const x = () =>
    tensor([
      [0, 1],
      [Number.NaN, 2],
      [3, 4],
    ]);
  const settings = {
    optimiser: adam({ learningRate: 0.01 }),
    iterations: 2,
  };

  it.each(['fixed', 'drawn'])('is found by maximum likelihood in a %s batch', async (kind) => {
    const run = train({
      ...settings,
      params: params(),
      batch: kind === 'fixed' ? { x: x() } : () => ({ x: x() }),
      loss: (p, batch: { x: Tensor }) => negativeLogLikelihood(flow, p, batch.x),
    });
    await expect(run).rejects.toThrow(
      `iteration 1 failed: odeint: the initial state is not finite at t = 1; got NaN ${at}`,
    );
  });

  it('is found by flow matching, which solves nothing', async () => {
    const run = train({
      ...settings,
      params: params(),
      batch: (_, rng) => flowMatchingBatch(flow, x(), rng),
      loss: (p, batch: FlowMatchingBatch) => flowMatching(flow, p, batch),
    });
    await expect(run).rejects.toThrow(`the loss of iteration 1 is NaN; got NaN ${at}`);
  });

  it('is found by the planar layers too', async () => {
    const planar = planarFlow({ base: gaussianBase(2), layers: 2, direction: 'toBase' });
    const run = train({
      ...settings,
      params: planar.init(random(0)),
      batch: { x: x() },
      loss: (p, batch: { x: Tensor }) => negativeLogLikelihood(planar, p, batch.x),
    });
    await expect(run).rejects.toThrow(`the loss of iteration 1 is NaN; got NaN ${at}`);
  });
});

it('refuses a base of another dimension, and a span that is none', () => {
  expect(() => cnf({ field, base: gaussianBase(3) })).toThrow(
    /base and field differ in dimension; got a base of 3; expected 2/,
  );
  expect(() => cnf({ field, base: gaussianBase(2), span: [1, 1] })).toThrow(/span; got \[1, 1\]/);
  expect(() => gaussianBase(0)).toThrow(/positive integer/);
  expect(() => gaussianBase(2, { standardDeviation: -1 })).toThrow(/standardDeviation; got -1/);
});

it('refuses a time outside of the flow', async () => {
  for (const time of [0, -0.5, 1.5, Number.NaN]) {
    await expect(flow.logProb(params(), zeros([1, 2]), { time })).rejects.toThrow(
      /outside of the flow/,
    );
  }
  await expect(evaluate(() => flow.path(params(), zeros([1, 2]), [0.5, 1]))).rejects.toThrow(
    /begin with the time of the base; got \[0.5, 1\]/,
  );
});

it('refuses a target log-density of the wrong shape', async () => {
  const z = zeros([4, 2]);
  const loss = (target: (x: Tensor) => Tensor) =>
    evaluate(() => reverseKl(flow, params(), z, target));
  await expect(loss((x) => x.square().sum())).rejects.toThrow(
    /one number for each point; got \[\]; expected a tensor \[4\] of points \[4, 2\]/,
  );
  await expect(loss((x) => x)).rejects.toThrow(/got \[4, 2\]/);
  await expect(loss(() => 3 as unknown as Tensor)).rejects.toThrow(/got number/);
});

it('refuses noise that is missing, not wanted, or of another shape', async () => {
  const estimated = cnf({ field, base: gaussianBase(2), trace: hutchinson() });
  const x = zeros([4, 2]);
  await expect(estimated.logProb(params(), x)).rejects.toThrow(
    /needs noise.*flow\.noise\(rng, count\)/,
  );
  await expect(estimated.logProb(params(), x, { noise: zeros([3, 2]) })).rejects.toThrow(
    /got \[3, 2\]; expected \[4, 2\]/,
  );
  expect(() => flow.noise(random(0), 4)).toThrow(/trace is exact, which draws none/);
  expect(() => estimated.noise(random(0), 0)).toThrow(/positive integer/);
  expect(() => hutchinson({ noise: 'uniform' as 'gaussian' })).toThrow(/gaussian or rademacher/);
});

it('refuses a closed form of a field that has none', async () => {
  const wrong = cnf({ field, base: gaussianBase(2), trace: closedForm() });
  await expect(wrong.logProb(params(), zeros([1, 2]))).rejects.toThrow(
    /exact\(\) or hutchinson\(\)/,
  );
});

it('refuses a field that returns something else than a velocity', async () => {
  const wrong = (value: unknown): FlowField<Tensor> => ({
    dimension: 2,
    init: () => tensor(0),
    apply: () => value as Tensor,
  });
  for (const value of [zeros([4]), 5]) {
    const bad = cnf({ field: wrong(value), base: gaussianBase(2) });
    await expect(bad.logProb(tensor(0), zeros([4, 2]))).rejects.toThrow(/did not return dz\/dt/);
  }
});

it('refuses contexts that do not fit', async () => {
  const conditional = layerStack({ dimension: 2, hidden: [3], context: 2 });
  const other = cnf({ field: conditional, base: gaussianBase(2) });
  const p = conditional.init(random(0));
  const x = zeros([4, 2]);
  await expect(other.logProb(p, x)).rejects.toThrow(/got none; expected \[4, 2\]/);
  await expect(other.logProb(p, x, { context: zeros([4, 3]) })).rejects.toThrow(/got \[4, 3\]/);
  await expect(other.logProb(p, x, { context: zeros([3, 2]) })).rejects.toThrow(
    /one row for each point/,
  );
  await expect(flow.logProb(params(), x, { context: zeros([4, 2]) })).rejects.toThrow(
    /expected none/,
  );
  const planar = planarField({ dimension: 2 });
  const third = cnf({ field: planar, base: gaussianBase(2) });
  await expect(third.logProb(planar.init(random(0)), x, { context: x })).rejects.toThrow(
    /no context/,
  );
  expect(() => layerStack({ dimension: 2, layer: 'ignore', context: 1 })).toThrow(
    /take no context/,
  );
});

it('refuses to draw inside a recorded function, and to draw nothing', async () => {
  await expect(jit((p: never) => flow.sample(p, 3, random(0)))(params() as never)).rejects.toThrow(
    /would draw only once.*flow\.transform/,
  );
  await expect(flow.sample(params(), 0, random(0))).rejects.toThrow(/number of points; got 0/);
});

it('refuses names and sizes that do not exist', () => {
  expect(() => toyData('moon' as 'moons', 3, random(0))).toThrow(
    /no such distribution; got moon; expected circles, moons/,
  );
  expect(() => toyEnergy('U5' as 'U1')).toThrow(/U1, U2, U3, U4/);
  expect(() => layerStack({ dimension: 2, layer: 'hyper' as 'concat' })).toThrow(/ignore, concat/);
  expect(() => planarFlow({ base: gaussianBase(2), layers: 0, direction: 'toData' })).toThrow(
    /number of layers/,
  );
  expect(() => planeGrid(0, 5)).toThrow(/planeGrid/);
  expect(() => planarField({ dimension: 1.5 })).toThrow(/dimension; got 1.5/);
});

it('refuses a batch for flow matching whose parts do not fit', async () => {
  const x = zeros([4, 2]);
  const loss = (batch: { x: Tensor; z: Tensor; s: Tensor }, width = 0) =>
    evaluate(() => flowMatching(flow, params(), batch, { width }));
  await expect(loss({ x, z: zeros([3, 2]), s: zeros([4]) })).rejects.toThrow(/do not fit together/);
  await expect(loss({ x, z: x, s: zeros([4, 1]) })).rejects.toThrow(/s \[4, 1\]/);
  await expect(loss({ x, z: x, s: zeros([4]) }, 1)).rejects.toThrow(/width; got 1/);
});
