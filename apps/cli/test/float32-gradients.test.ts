/** Gradients in float32 on the WASM backend at the default tolerances, against float64 on the reference backend. */
import {
  backsolve,
  checkpointed,
  direct,
  forward,
  implicit,
  interpolated,
  reversible,
} from '@neuralode/adjoint';
import { grad } from '@neuralode/autodiff';
import { reference } from '@neuralode/backend-reference';
import { wasm } from '@neuralode/backend-wasm';
import {
  alf,
  coupled,
  dopri5,
  type GradientMethod,
  odeint,
  reversibleHeun,
} from '@neuralode/solvers';
import {
  type Backend,
  type DType,
  setBackend,
  stack,
  type Tensor,
  tensor,
} from '@neuralode/tensor';
import { expect, it } from 'vitest';

/** Lotka-Volterra by its four parameters and initial state, to t = 2. */
async function gradient(backend: Backend, dtype: DType, options: object): Promise<number[]> {
  await setBackend(backend);
  const loss = ([p, y0]: Tensor[]): Tensor => {
    const field = (_: Tensor, y: Tensor, q: Tensor): Tensor => {
      const both = y.at(0).mul(y.at(1));
      return stack([
        y
          .at(0)
          .mul(q.at(0))
          .sub(both.mul(q.at(1))),
        both.mul(q.at(3)).sub(y.at(1).mul(q.at(2))),
      ]);
    };
    return odeint(field, y0, [0, 2], { ...options, args: p })
      .ys.at(-1)
      .square()
      .sum();
  };
  const inputs = [tensor([1.5, 1, 3, 1], [4], { dtype }), tensor([1, 0.8], [2], { dtype })];
  const parts = await grad(loss)(inputs);
  const numbers = await Promise.all(parts.map((part) => part.data()));
  return numbers.flatMap((each) => Array.from(each, Number));
}

it.each([direct(), checkpointed(), interpolated(), backsolve(), forward()])(
  '$name: a relative error below 1e-5',
  async (method: GradientMethod) => {
    const exact = { rtol: 1e-12, atol: 1e-12, gradient: direct() };
    const truth = await gradient(reference(), 'float64', exact);
    const got = await gradient(await wasm(), 'float32', { gradient: method });
    const error = Math.hypot(...got.map((each, i) => each - truth[i])) / Math.hypot(...truth);
    expect(error).toBeLessThan(1e-5);
  },
);

it.each([
  ['alf', alf(), 1e-5],
  ['reversibleHeun', reversibleHeun(), 1e-5],
  // Off by 1.9e-5 in float64 too: that is the tolerance's.
  ['coupled dopri5', coupled(dopri5()), 3e-5],
])('reversible() with %s: a relative error below its bound', async (_, solver, bound) => {
  const exact = { rtol: 1e-12, atol: 1e-12, gradient: direct() };
  const truth = await gradient(reference(), 'float64', exact);
  const got = await gradient(await wasm(), 'float32', { solver, gradient: reversible() });
  const error = Math.hypot(...got.map((each, i) => each - truth[i])) / Math.hypot(...truth);
  expect(error).toBeLessThan(bound);
});

it('implicit(): a relative error below 1e-5', async () => {
  await setBackend(await wasm());
  const float32 = { dtype: 'float32' } as const;
  const rest = (p: Tensor): Tensor => {
    const field = (_: Tensor, y: Tensor, q: Tensor): Tensor => q.sub(y).sub(y.mul(y).mul(y));
    const y0 = tensor([0.5, 1], [2], float32);
    return odeint(field, y0, [0, 40], { args: p, gradient: implicit() }).ys.at(-1).sum();
  };
  const got = await (await grad(rest)(tensor([2, 10], [2], float32))).data();
  // p = y + y³ at rest, at y = 1 and 2: dy/dp = 1/(1 + 3 y²).
  const truth = [1 / 4, 1 / 13];
  const error = Math.hypot(...truth.map((each, i) => each - got[i])) / Math.hypot(...truth);
  expect(error).toBeLessThan(1e-5);
});
