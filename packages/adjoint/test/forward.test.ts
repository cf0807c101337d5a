/** `forward()`: few parameters, all first derivatives in one solve, against `direct()` and central differences. */
import { grad, hvp } from '@neuralode/autodiff';
import { reference } from '@neuralode/backend-reference';
import {
  type AdaptiveSolver,
  dopri5,
  type GradientMethod,
  odeint,
  radau5,
} from '@neuralode/solvers';
import { setBackend, stack, type Tensor, tensor } from '@neuralode/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { direct, forward } from '../src/index.ts';
import { pack, relativeError, unpack } from './numeric.ts';

beforeAll(async () => {
  await setBackend(reference());
});

const shapes = [[2], [4], [3]];

/** Lotka-Volterra: by the two populations, the four rates and the times, all in one gradient. */
function loss(gradient: GradientMethod, solver: AdaptiveSolver = dopri5()) {
  return ([y0, rates, ts]: Tensor[]): Tensor => {
    const field = (_: Tensor, y: Tensor, p: Tensor): Tensor => {
      const both = y.at(0).mul(y.at(1));
      const prey = y
        .at(0)
        .mul(p.at(0))
        .sub(both.mul(p.at(1)));
      return stack([prey, both.mul(p.at(3)).sub(y.at(1).mul(p.at(2)))]);
    };
    const options = { solver, args: rates, rtol: 1e-9, atol: 1e-9, gradient };
    return odeint(field, y0, ts, options).ys.square().sum();
  };
}

const x = [1.1, 0.8, 1.2, 0.5, 0.9, 0.4];

describe.each([
  ['forwards', [0, 0.7, 1.5]],
  ['backwards', [1.5, 0.7, 0]],
])('Lotka-Volterra, %s in time', (_, times) => {
  it.each([
    ['dopri5', dopri5()],
    ['radau5', radau5()],
  ] as const)('%s gives the gradient of direct()', (_name, solver) => {
    const by = (gradient: GradientMethod): number[] =>
      pack(grad(loss(gradient, solver)).sync(unpack([...x, ...times], shapes)));
    expect(relativeError(by(forward()), by(direct()))).toBeLessThan(1e-7);
  });

  it('the Hessian along a direction agrees with differences of the gradient', () => {
    const at = [...x, ...times];
    const direction = at.map((_each, i) => Math.sin(1 + i));
    const moved = (by: number): number[] =>
      pack(
        grad(loss(direct())).sync(
          unpack(
            at.map((value, i) => value + by * direction[i]),
            shapes,
          ),
        ),
      );
    const h = 1e-4;
    const down = moved(-h);
    const expected = moved(h).map((value, i) => (value - down[i]) / (2 * h));
    const got = pack(hvp.sync(loss(forward()), unpack(at, shapes), unpack(direction, shapes)));
    expect(relativeError(got, expected)).toBeLessThan(1e-5);
  });
});

describe('what is not made for it', () => {
  it('a batched solve', () => {
    const batched = (y0: Tensor): Tensor =>
      odeint((_t, y) => y.neg(), y0, [0, 1], { batched: true, gradient: forward() }).ys.sum();
    expect(() => grad(batched).sync(tensor([[1], [2]]))).toThrow(
      /forward: a batched solve .* Use direct\(\)/,
    );
  });

  it('gradients of the gradient nest', () => {
    // y(1) = y₀ exp(a): three derivatives by a.
    const final = (a: Tensor): Tensor =>
      odeint((_t, y, p: Tensor) => y.mul(p), tensor(2), [0, 1], {
        args: a,
        rtol: 1e-10,
        atol: 1e-10,
        gradient: forward(),
      }).ys.at(-1);
    const first = grad(final);
    const second = grad((a: Tensor) => first(a));
    expect(first.sync(tensor(0.5)).itemSync()).toBeCloseTo(2 * Math.exp(0.5), 7);
    expect(second.sync(tensor(0.5)).itemSync()).toBeCloseTo(2 * Math.exp(0.5), 6);
  });
});
