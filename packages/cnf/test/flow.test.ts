/** Flows against closed forms, their own inverses, Jacobians and integrals, in float64. */
import { backsolve, direct } from '@neuralode/adjoint';
import { grad, jit, jvp } from '@neuralode/autodiff';
import { reference } from '@neuralode/backend-reference';
import {
  type Cnf,
  cnf,
  exact,
  type FlowField,
  gaussianBase,
  hutchinson,
  layerStack,
  logIntegral,
  negativeLogLikelihood,
  planarField,
  planeGrid,
} from '@neuralode/cnf';
import { dop853, heun, rk4 } from '@neuralode/solvers';
import { disposeTree, evaluate, random, setBackend, type Tensor, tensor } from '@neuralode/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { centralGradient, determinant, elements, largestDifference, toList } from './numeric.ts';

beforeAll(async () => {
  await setBackend(reference());
});

const tight = { rtol: 1e-9, atol: 1e-10 };

/** dz/dt = A z with A as the parameter. */
const linearField: FlowField<Tensor> = {
  dimension: 2,
  init: () =>
    tensor([
      [0.3, -1.1],
      [0.7, 0.5],
    ]),
  apply: (a, _t, z) => z.matMul(a.transpose()),
};

/** Both of the package's fields, far from linear. */
const flows: Record<string, () => { flow: Cnf<unknown>; params: unknown }> = {
  planar: () => {
    const field = planarField({ dimension: 2, width: 6, hyperWidth: 5 });
    const flow = cnf({ field, base: gaussianBase(2), ...tight });
    const params = field.init(random(3)).map(({ weight, bias }) => ({
      weight: weight.mul(3),
      bias: bias!.mul(3),
    }));
    return { flow, params } as { flow: Cnf<unknown>; params: unknown };
  },
  concatsquash: () => {
    const field = layerStack({ dimension: 2, hidden: [8] });
    const flow = cnf({ field, base: gaussianBase(2, { standardDeviation: 0.8 }), ...tight });
    return { flow, params: field.init(random(5)) } as { flow: Cnf<unknown>; params: unknown };
  },
};

describe('a linear field', () => {
  it('carries a Gaussian to the Gaussian of the matrix exponential', async () => {
    const a = linearField.init(random(0));
    const flow = cnf({ field: linearField, base: gaussianBase(2), ...tight });
    const x = tensor([
      [0.4, -0.9],
      [2.1, 1.3],
    ]);
    // exp(A) by its series; the density of x is N(x; 0, exp(A) exp(A)ᵀ).
    const [[p, q], [r, s]] = exponential(a.arraySync() as number[][]);
    const det = p * s - q * r;
    expect(Math.log(det)).toBeCloseTo(0.8, 12); // tr A
    const expected = (x.arraySync() as number[][]).map(([u, v]) => {
      const back = [(s * u - q * v) / det, (p * v - r * u) / det];
      return -0.5 * (back[0] ** 2 + back[1] ** 2) - Math.log(2 * Math.PI) - Math.log(det);
    });
    expect(largestDifference(toList(await flow.logProb(a, x)), expected)).toBeLessThan(1e-8);
    const { points, logDet } = await flow.transformWithLogDet(a, x);
    const moved = (x.arraySync() as number[][]).map(([u, v]) => [p * u + q * v, r * u + s * v]);
    expect(largestDifference(toList(points), moved.flat())).toBeLessThan(1e-8);
    expect(largestDifference(toList(logDet), [0.8, 0.8])).toBeLessThan(1e-9);
  });

  it('has the kinetic energy and Jacobian norm of its closed form', async () => {
    // dz/dt = −z: z(t) = z(1) e^{1 − t}, so ∫‖f‖² = ‖x‖² (e² − 1)/2, and ‖∂f/∂z‖² = 2 throughout.
    const decay: FlowField<Tensor> = { ...linearField, apply: (_p, _t, z) => z.neg() };
    const flow = cnf({ field: decay, base: gaussianBase(2), ...tight });
    const x = tensor([[0.6, -0.8]]);
    const all = await flow.logProbRegularised(tensor(0), x);
    expect(all.kineticEnergy.itemSync()).toBeCloseTo((Math.exp(2) - 1) / 2, 7);
    expect(all.jacobianNorm.itemSync()).toBeCloseTo(2, 9);
    const alone = await flow.logProb(tensor(0), x);
    expect(all.logProb.itemSync()).toBeCloseTo(alone.itemSync(), 8);
  });
});

describe.each(Object.keys(flows))('the flow of a %s field', (name) => {
  const points = () => random(11).normal([5, 2], 0, 1.2);

  it('undoes itself', async () => {
    const { flow, params } = flows[name]();
    const x = points();
    const there = await flow.transform(params, x);
    expect(largestDifference(toList(there), toList(x))).toBeGreaterThan(0.1);
    expect(largestDifference(toList(await flow.inverse(params, there)), toList(x))).toBeLessThan(
      1e-7,
    );
    const back = await flow.inverseWithLogDet(params, there);
    const { logDet } = await flow.transformWithLogDet(params, x);
    expect(largestDifference(toList(back.logDet), toList(logDet.neg()))).toBeLessThan(1e-7);
  });

  it('has the log-determinant of the Jacobian of its map', async () => {
    const { flow, params } = flows[name]();
    const x = points();
    const { logDet } = await flow.transformWithLogDet(params, x);
    const columns: number[][][] = [];
    for (const axis of [
      [1, 0],
      [0, 1],
    ]) {
      const along = tensor([axis]).broadcastTo([5, 2]);
      const { tangent } = await jvp((z: Tensor) => flow.transform(params, z), [x], [along]);
      columns.push(tangent.arraySync() as number[][]);
    }
    const expected = columns[0].map((first, row) =>
      Math.log(
        determinant([
          [first[0], columns[1][row][0]],
          [first[1], columns[1][row][1]],
        ]),
      ),
    );
    expect(largestDifference(toList(logDet), expected)).toBeLessThan(1e-6);
  });

  it('is a density: its integral over the plane is 1', async () => {
    const { flow, params } = flows[name]();
    const grid = planeGrid(9, 60);
    const loose = await flow.logProb(params, grid.points);
    expect(Math.exp(logIntegral(loose.dataSync(), grid))).toBeCloseTo(1, 3);
  });

  it('scores its own samples as it scores data', async () => {
    const { flow, params } = flows[name]();
    const { points: x, logProb } = await flow.sampleAndLogProb(params, 7, random(2));
    const again = await flow.logProb(params, x);
    expect(largestDifference(toList(logProb), toList(again))).toBeLessThan(1e-7);
    expect(toList(await flow.sample(params, 7, random(2)))).toEqual(
      toList(x.mul(1)).map((value) => expect.closeTo(value, 7)),
    );
  });

  it.each(['direct', 'backsolve'])(
    'has a likelihood whose gradient by %s is that of differences',
    async (method) => {
      const gradient = { direct, backsolve }[method]!();
      const field =
        name === 'planar'
          ? planarField({ dimension: 2, width: 2, hyperWidth: 2 })
          : layerStack({ dimension: 2, hidden: [3] });
      const flow = cnf<unknown>({
        field: field as FlowField<unknown>,
        base: gaussianBase(2),
        gradient,
        ...tight,
      });
      const params = flow.init(random(1));
      const x = points();
      const loss = (p: unknown): Tensor => negativeLogLikelihood(flow, p, x);
      const slopes = elements(await grad(loss)(params));
      const expected = await centralGradient(
        async (p) => (await evaluate(() => loss(p))).itemSync(),
        params,
      );
      expect(largestDifference(slopes, expected)).toBeLessThan(2e-6);
      expect(Math.max(...slopes.map(Math.abs))).toBeGreaterThan(0.01);
    },
  );
});

it('is the same whatever solves it, and whichever way time runs', async () => {
  const field = layerStack({ dimension: 2, hidden: [6], layer: 'ignore' });
  const params = field.init(random(4));
  const x = random(8).normal([4, 2]);
  const base = gaussianBase(2);
  const first = toList(await cnf({ field, base, ...tight }).logProb(params, x));
  const others = [
    cnf({ field, base, solver: dop853(), ...tight }),
    cnf({ field, base, solver: rk4(), stepSize: 1 / 64 }),
    // An autonomous field over [2, 3] makes the same flow.
    cnf({ field, base, span: [2, 3], ...tight }),
  ];
  for (const flow of others) {
    expect(largestDifference(toList(await flow.logProb(params, x)), first)).toBeLessThan(1e-7);
  }
  const reversed = cnf({
    field: { ...field, apply: (p, t, z) => field.apply(p, t, z).neg() } as typeof field,
    base,
    span: [1, 0],
    ...tight,
  });
  const all = await reversed.logProbRegularised(params, x);
  expect(largestDifference(toList(all.logProb), first)).toBeLessThan(1e-7);
  expect(Math.min(...toList(all.kineticEnergy))).toBeGreaterThan(0);
});

it('converges with the order of the method', async () => {
  const field = layerStack({ dimension: 2, hidden: [6] });
  const params = field.init(random(4));
  const x = random(8).normal([4, 2]);
  const base = gaussianBase(2);
  const truth = toList(await cnf({ field, base, rtol: 1e-11, atol: 1e-12 }).logProb(params, x));
  const errors: number[] = [];
  for (const stepSize of [1 / 8, 1 / 16]) {
    const flow = cnf({ field, base, solver: heun(), stepSize });
    errors.push(largestDifference(toList(await flow.logProb(params, x)), truth));
  }
  expect(Math.log2(errors[0] / errors[1])).toBeGreaterThan(1.7);
});

it('gives the density at times between, and the path that leads there', async () => {
  const { flow, params } = flows.concatsquash();
  const z = random(6).normal([3, 2]);
  const path = await evaluate(() => flow.path(params, z, [0, 0.4, 1]));
  const half = await flow.transform(params, z, { time: 0.4 });
  expect(largestDifference(toList(path.at(1)), toList(half))).toBeLessThan(1e-8);
  expect(largestDifference(toList(path.at(0)), toList(z))).toBe(0);
  const grid = planeGrid(8, 50);
  const values = await flow.logProb(params, grid.points, { time: 0.4 });
  expect(Math.exp(logIntegral(values.dataSync(), grid))).toBeCloseTo(1, 3);
});

it('is conditional: each row follows its own context', async () => {
  const field = layerStack({ dimension: 2, hidden: [5], context: 1 });
  const flow = cnf({ field, base: gaussianBase(2), ...tight });
  const params = field.init(random(9));
  const x = tensor([
    [0.5, 0.2],
    [0.5, 0.2],
  ]);
  const both = toList(await flow.logProb(params, x, { context: tensor([[-1], [2]]) }));
  expect(Math.abs(both[0] - both[1])).toBeGreaterThan(0.05);
  for (const [row, value] of [-1, 2].entries()) {
    const alone = await flow.logProb(params, x.slice([row], [1]), { context: tensor([[value]]) });
    expect(alone.dataSync()[0]).toBeCloseTo(both[row], 7);
  }
  const grid = planeGrid(8, 50);
  const context = tensor([[1.5]]).broadcastTo([2500, 1]);
  const values = await flow.logProb(params, grid.points, { context });
  expect(Math.exp(logIntegral(values.dataSync(), grid))).toBeCloseTo(1, 3);
});

it('may be trained with one trace and evaluated with another', async () => {
  const field = layerStack({ dimension: 2, hidden: [5] });
  const flow = cnf({ field, base: gaussianBase(2), trace: hutchinson(), ...tight });
  const params = field.init(random(9));
  const x = random(1).normal([3, 2]);
  const exactly = toList(await cnf({ field, base: gaussianBase(2), ...tight }).logProb(params, x));
  const once = toList(await flow.logProb(params, x, { noise: flow.noise(random(1), 3) }));
  expect(largestDifference(once, exactly)).toBeGreaterThan(1e-3);
  const evaluated = toList(await flow.logProb(params, x, { trace: exact() }));
  expect(largestDifference(evaluated, exactly)).toBeLessThan(1e-9);
});

it('needs no more memory for more steps with the continuous adjoint', async () => {
  const backend = await setBackend(reference());
  const field = planarField({ dimension: 2, width: 8 });
  const params = field.init(random(0));
  const x = random(1).normal([64, 2]);
  const peak = async (gradient: ReturnType<typeof direct>, steps: number): Promise<number> => {
    const solve = { gradient, solver: rk4(), stepSize: 1 / steps };
    const flow = cnf({ field, base: gaussianBase(2), ...solve });
    const step = jit(grad((p: typeof params) => negativeLogLikelihood(flow, p, x)));
    disposeTree(await step(params));
    const before = backend.memory().liveBytes;
    backend.resetPeak();
    disposeTree(await step(params));
    return backend.memory().peakBytes - before;
  };
  const [few, many] = [await peak(backsolve(), 4), await peak(backsolve(), 64)];
  expect(many).toBeLessThan(1.05 * few);
  expect(await peak(direct(), 64)).toBeGreaterThan(4 * many);
});

function exponential(a: number[][]): number[][] {
  const times = (m: number[][], n: number[][]): number[][] =>
    m.map((row) => n[0].map((_, j) => row.reduce((sum, value, k) => sum + value * n[k][j], 0)));
  let term = [
    [1, 0],
    [0, 1],
  ];
  let sum = term;
  for (let k = 1; k < 40; k++) {
    term = times(term, a).map((row) => row.map((value) => value / k));
    sum = sum.map((row, i) => row.map((value, j) => value + term[i][j]));
  }
  return sum;
}
