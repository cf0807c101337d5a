/**
 * Gradients of batched solves: against central differences, and against the gradients of the rows' own solves, by the
 * initial state, parameters passed and captured, parameters with rows, and every row's times.
 */
import { grad, hvp, jvp } from '@neuralode/autodiff';
import { reference } from '@neuralode/backend-reference';
import { dopri5, type OdeintOptions, odeint, rk4 } from '@neuralode/solvers';
import { evaluate, random, setBackend, type Tensor } from '@neuralode/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { backsolve, direct } from '../src/index.ts';
import { centralGradient, pack, relativeError, unpack } from './numeric.ts';

beforeAll(async () => {
  await setBackend(reference());
});

/** y0 and rates have rows, the weights are common (w2 is captured), and each row has times of its own. */
const shapes = [[3, 2], [2, 4], [4, 2], [4], [3, 2], [3, 4]];
const rng = random(5);
const times = [
  [0.1, 0.35, 0.9, 1.4],
  [0, 0.5, 0.6, 0.7],
  [-1, -0.2, 1.1, 2.3],
];
const point = [
  ...Array.from({ length: 6 + 8 + 8 + 4 + 6 }, () => 0.8 * rng.nextNormal()),
  ...times.flat(),
];

interface Args {
  w1: Tensor;
  b: Tensor;
  rate: Tensor;
}
type Options = OdeintOptions<Args>;

const weights = (shape: readonly number[]): Tensor => random(4).uniform(shape, 0.2, 1.2);

/** Rows [B, 2] at t [B], or one row [1, 2] at t [1]. */
function fieldWith(w2: Tensor) {
  return (t: Tensor, y: Tensor, { w1, b, rate }: Args): Tensor =>
    y
      .matMul(w1)
      .add(b.mul(t.expandDims(1).sin()))
      .tanh()
      .matMul(w2)
      .mul(rate);
}

function loss(options: Options) {
  return ([y0, w1, w2, b, rate, ts]: Tensor[]): Tensor => {
    const args = { w1, b, rate };
    const { ys } = odeint(fieldWith(w2), y0, ts, { ...options, batched: true, args });
    return ys.square().mul(weights(ys.shape)).sum();
  };
}

/** The same, row by row in solves of their own. */
function lossByRows(options: Options) {
  return ([y0, w1, w2, b, rate, ts]: Tensor[]): Tensor =>
    [0, 1, 2]
      .map((row) => {
        const args = { w1, b, rate: rate.slice([row], [1]) };
        const one = y0.slice([row], [1]);
        const field = fieldWith(w2);
        const { ys } = odeint(
          (t: Tensor, y: Tensor, a: Args) => field(t.reshape([1]), y, a),
          one,
          ts.at(row),
          { ...options, args },
        );
        return ys
          .square()
          .mul(weights([4, 3, 2]).slice([0, row], [4, 1]))
          .sum();
      })
      .reduce((a, b) => a.add(b));
}

// Tight, because central differences with a step of 1e-5 magnify what the tolerance leaves by 1e5.
const adaptive = { solver: dopri5(), rtol: 1e-12, atol: 1e-12 };
const fixed = { solver: rk4(), stepSize: 0.0071 };
const loose = { solver: dopri5(), rtol: 1e-3, atol: 1e-5 };

describe.each<[string, Options]>([
  ['direct, dopri5', { ...adaptive, gradient: direct() }],
  ['direct, rk4', { ...fixed, gradient: direct() }],
  ['backsolve, dopri5', { ...adaptive, gradient: backsolve() }],
  ['backsolve, rk4', { ...fixed, gradient: backsolve() }],
])('%s', (_, options) => {
  const fn = loss(options);
  const direction = point.map(() => rng.nextNormal());
  const onHost = (flat: readonly number[]): number =>
    evaluate.sync(() => fn(unpack(flat, shapes))).itemSync();
  const gradientAt = (flat: readonly number[]): number[] =>
    pack(grad(fn).sync(unpack(flat, shapes)));

  it('first order agrees with central differences', () => {
    expect(relativeError(gradientAt(point), centralGradient(onHost, point))).toBeLessThan(1e-7);
  });

  it('forward mode agrees with reverse mode', () => {
    const { tangent } = jvp.sync(fn, [unpack(point, shapes)], [unpack(direction, shapes)]);
    const expected = gradientAt(point).reduce((total, g, i) => total + g * direction[i], 0);
    expect(relativeError([tangent.itemSync()], [expected])).toBeLessThan(1e-7);
  });

  it.skipIf(options.gradient?.name === 'backsolve')(
    'forward over reverse agrees with central differences of the gradient',
    () => {
      const got = pack(hvp.sync(fn, unpack(point, shapes), unpack(direction, shapes)));
      const h = 1e-5;
      const up = gradientAt(point.map((v, i) => v + h * direction[i]));
      const down = gradientAt(point.map((v, i) => v - h * direction[i]));
      expect(
        relativeError(
          got,
          up.map((g, i) => (g - down[i]) / (2 * h)),
        ),
      ).toBeLessThan(1e-5);
    },
  );
});

describe('the gradient of the batch is the sum of those of the rows', () => {
  it.each<[string, Options]>([
    ['direct, dopri5 with loose tolerances', { ...loose, gradient: direct() }],
    ['direct, dopri5', { gradient: direct() }],
    ['direct, rk4 with coarse steps', { solver: rk4(), stepSize: 0.3, gradient: direct() }],
    ['backsolve, dopri5 with loose tolerances', { ...loose, gradient: backsolve() }],
    ['backsolve, dopri5', { gradient: backsolve() }],
    ['backsolve, rk4 with coarse steps', { solver: rk4(), stepSize: 0.3, gradient: backsolve() }],
  ])('%s', (_, options) => {
    const [got, expected] = [loss, lossByRows].map((make) =>
      pack(grad(make(options)).sync(unpack(point, shapes))),
    );
    expect(relativeError(got, expected)).toBeLessThan(1e-12);
  });
});
