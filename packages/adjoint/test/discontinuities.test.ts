/** Gradients through a field that is not continuous in time, where the solve is told of it. */
import { backsolve, direct } from '@neuralode/adjoint';
import { grad } from '@neuralode/autodiff';
import { reference } from '@neuralode/backend-reference';
import { maxNorm, odeint } from '@neuralode/solvers';
import { setBackend, type Tensor, tensor, where } from '@neuralode/tensor';
import { expect, it } from 'vitest';

/** y′ = a y before t = 1, −b y after: y(2) = y₀ exp(a − b). */
const field = (t: Tensor, y: Tensor, p: { a: Tensor; b: Tensor }): Tensor =>
  y.mul(where(t.less(1), p.a, p.b.neg()));

const solves = { direct: direct(), backsolve: backsolve() };

it.each(Object.entries(solves))('%s lands on it, both ways', async (_, gradient) => {
  await setBackend(reference());
  const loss = (p: { a: Tensor; b: Tensor; y: Tensor }): Tensor =>
    odeint(field, p.y, [0, 2], {
      args: { a: p.a, b: p.b },
      gradient,
      jumpAt: [1],
      stepAt: [0.3],
      rtol: 1e-9,
      atol: 1e-9,
    })
      .ys.at(-1)
      .sum();
  const grads = await grad(loss)({ a: tensor(0.5), b: tensor(0.7), y: tensor([2]) });
  const value = 2 * Math.exp(-0.2);
  expect(await grads.a.item()).toBeCloseTo(value, 7);
  expect(await grads.b.item()).toBeCloseTo(-value, 7);
  expect((await grads.y.array()) as number[]).toEqual([expect.closeTo(value / 2, 7)]);
});

it('a norm steers the backward solve too, each copy of the state by itself', async () => {
  await setBackend(reference());
  const count = async (norm: object): Promise<number> => {
    let backward = 0;
    const loss = (y: Tensor): Tensor =>
      odeint((_, z: Tensor) => z.mul(tensor([-3, -0.01, -0.01, -0.01])), y, [0, 1], {
        gradient: backsolve(),
        onSolve: ({ pass, accepted }) => {
          if (pass === 'backward') backward = accepted;
        },
        ...norm,
      })
        .ys.at(-1)
        .sum();
    const gradient = await grad(loss)(tensor([1, 1, 1, 1]));
    const [first] = (await gradient.array()) as number[];
    expect(first).toBeCloseTo(Math.exp(-3), 5);
    return backward;
  };
  const plain = await count({});
  const largest = await count({ norm: maxNorm() });
  expect(largest).toBeGreaterThan(plain);
  expect(await count({ norm: (errors: Tensor) => errors.abs().max() })).toBe(largest);
});

it('backsolve refuses what it does not know, and what the dtype cannot hold', async () => {
  await setBackend(reference());
  expect(() => backsolve({ rTol: 1 } as never)).toThrow(
    'backsolve: there is no option rTol. Did you mean rtol?',
  );
  const loss = (y: Tensor): Tensor =>
    odeint((_, z: Tensor) => z.neg(), y, [0, 1], { gradient: backsolve({ rtol: 1e-16 }) })
      .ys.at(-1)
      .sum();
  await expect(grad(loss)(tensor([1]))).rejects.toThrow('backsolve: rtol is finer than float64');
});
