/**
 * Gradients of solves, by every method and solver, against central differences of the solve itself in float64: with
 * respect to the initial state, parameters passed and captured, and every time; in both directions of time.
 */
import { grad, hvp, jvp } from '@neuralode/autodiff';
import { reference } from '@neuralode/backend-reference';
import { dop853, dopri5, type OdeintOptions, odeint, rk4 } from '@neuralode/solvers';
import { evaluate, random, setBackend, type Tensor } from '@neuralode/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { backsolve, direct, interpolated } from '../src/index.ts';
import { centralGradient, pack, relativeError, unpack } from './numeric.ts';

beforeAll(async () => {
  await setBackend(reference());
});

/** A small time-dependent tanh network; w2 is captured by the field instead of being passed through args. */
const shapes = [[3, 2], [2, 5], [5, 2], [5], [4]];
const rng = random(11);
const forwardTimes = [0.1, 0.35, 0.9, 1.4];
const point = (times: readonly number[]): number[] => [
  ...Array.from({ length: 31 }, () => 0.8 * rng.nextNormal()),
  ...times,
];

function loss(options: OdeintOptions<{ w1: Tensor; b: Tensor }>) {
  return (inputs: Tensor[]): Tensor => {
    const [y0, w1, w2, b, ts] = inputs;
    const field = (t: Tensor, y: Tensor, args: { w1: Tensor; b: Tensor }): Tensor =>
      y.matMul(args.w1).add(args.b.mul(t.sin())).tanh().matMul(w2);
    const { ys } = odeint(field, y0, ts, { ...options, args: { w1, b } });
    const weights = random(4).uniform(ys.shape, 0.2, 1.2);
    return ys.square().mul(weights).sum();
  };
}

type Options = OdeintOptions<{ w1: Tensor; b: Tensor }>;
// Tight, because central differences with a step of 1e-5 magnify what the tolerance leaves by 1e5.
const adaptive = { solver: dopri5(), rtol: 1e-12, atol: 1e-12 };
// No observation on the grid of steps, where the interpolant has a kink; and fine enough for the interpolant's slope,
// which is what differences by a time see, to agree with the field itself.
const fixed = { solver: rk4(), stepSize: 0.0071 };

const cases: [string, Options][] = [
  ['direct, dopri5', { ...adaptive, gradient: direct() }],
  ['direct, dop853', { ...adaptive, solver: dop853(), gradient: direct() }],
  ['backsolve, dopri5', { ...adaptive, gradient: backsolve() }],
  ['interpolated, dopri5', { ...adaptive, gradient: interpolated() }],
  ['interpolated, dop853', { ...adaptive, solver: dop853(), gradient: interpolated() }],
  ['direct, rk4', { ...fixed, gradient: direct() }],
  ['backsolve, rk4', { ...fixed, gradient: backsolve() }],
  ['interpolated, rk4', { ...fixed, gradient: interpolated() }],
];
const firstOrder = 1e-7;
const secondOrder = 1e-5;

describe.each([
  ['forwards', forwardTimes],
  ['backwards', forwardTimes.toReversed()],
  ['with two times', [0.2, 1.1]],
])('%s in time', (_, times) => {
  const allShapes = [...shapes.slice(0, 4), [times.length]];
  const x = point(times);
  const direction = x.map(() => rng.nextNormal());

  describe.each(cases)('%s', (_name, options) => {
    const fn = loss(options);
    const onHost = (flat: readonly number[]): number =>
      evaluate.sync(() => fn(unpack(flat, allShapes))).itemSync();
    const gradientAt = (flat: readonly number[]): number[] =>
      pack(grad(fn).sync(unpack(flat, allShapes)));

    it('first order agrees with central differences', () => {
      expect(relativeError(gradientAt(x), centralGradient(onHost, x))).toBeLessThan(firstOrder);
    });

    it('forward mode agrees with central differences along a direction', () => {
      const { tangent } = jvp.sync(fn, [unpack(x, allShapes)], [unpack(direction, allShapes)]);
      const along = (s: number[]): number => onHost(x.map((v, i) => v + s[0] * direction[i]));
      expect(relativeError([tangent.itemSync()], centralGradient(along, [0]))).toBeLessThan(
        firstOrder,
      );
    });

    it('the gradient of the gradient agrees with central differences', () => {
      const norm = (inputs: Tensor[]): Tensor =>
        grad(fn)(inputs)
          .map((g) => g.square().sum())
          .reduce((a, b) => a.add(b));
      const hostNorm = (s: number[]): number =>
        gradientAt(x.map((v, i) => v + s[0] * direction[i])).reduce((total, g) => total + g * g, 0);
      const got = pack(grad(norm).sync(unpack(x, allShapes)));
      const along = got.reduce((total, g, i) => total + g * direction[i], 0);
      expect(relativeError([along], centralGradient(hostNorm, [0]))).toBeLessThan(secondOrder);
    });

    it('forward over reverse agrees with central differences of the gradient', () => {
      const got = pack(hvp.sync(fn, unpack(x, allShapes), unpack(direction, allShapes)));
      const h = 1e-5;
      const up = gradientAt(x.map((v, i) => v + h * direction[i]));
      const down = gradientAt(x.map((v, i) => v - h * direction[i]));
      const expected = up.map((g, i) => (g - down[i]) / (2 * h));
      expect(relativeError(got, expected)).toBeLessThan(secondOrder);
    });
  });
});
