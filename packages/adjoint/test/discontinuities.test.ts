/** Gradients through a field that is not continuous in time, where the solve is told of it. */
import { backsolve, direct, forward, interpolated } from '@neuralode/adjoint';
import { grad } from '@neuralode/autodiff';
import { reference } from '@neuralode/backend-reference';
import { dop853, dopri5, kvaerno5, maxNorm, odeint, radau5 } from '@neuralode/solvers';
import { setBackend, type Tensor, tensor, where } from '@neuralode/tensor';
import { expect, it } from 'vitest';

/** y′ = a y before t = 1, −b y after: y(2) = y₀ exp(a − b). */
const field = (t: Tensor, y: Tensor, p: { a: Tensor; b: Tensor }): Tensor =>
  y.mul(where(t.less(1), p.a, p.b.neg()));

const solves = {
  direct: direct(),
  backsolve: backsolve(),
  interpolated: interpolated(),
  forward: forward(),
};

const methods = [dopri5(), dop853(), radau5(), kvaerno5()];
const cases = Object.entries(solves).flatMap(([name, gradient]) =>
  // Between the ends of kvaerno5's long steps its interpolant, of order 3, is coarser than they are, and so is interpolated()
  // makes of it: 1.6e-7 here.
  methods
    .filter((solver) => name !== 'interpolated' || solver.tableau.name !== 'kvaerno5')
    .map((solver) => [name, solver.tableau.name, gradient, solver] as const),
);

it.each(cases)('%s lands on it, both ways: %s', async (_, __, gradient, solver) => {
  await setBackend(reference());
  const loss = (p: { a: Tensor; b: Tensor; y: Tensor }): Tensor =>
    odeint(field, p.y, [0, 2], {
      args: { a: p.a, b: p.b },
      gradient,
      solver,
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

it.each(Object.entries(solves))(
  '%s goes through stages that only the interpolant needs, beside it',
  async (_, gradient) => {
    await setBackend(reference());
    const loss = (p: { a: Tensor; b: Tensor }): Tensor =>
      odeint(field, tensor(2), [0, 0.6, 1.7, 2], {
        args: p,
        gradient,
        solver: dop853(),
        jumpAt: [1],
        rtol: 1e-9,
        atol: 1e-9,
      }).ys.sum();
    const grads = await grad(loss)({ a: tensor(0.5), b: tensor(0.7) });
    const [early, late, last] = [Math.exp(0.3), Math.exp(0.5 - 0.49), Math.exp(-0.2)];
    expect(await grads.a.item()).toBeCloseTo(2 * (0.6 * early + late + last), 7);
    expect(await grads.b.item()).toBeCloseTo(-2 * (0.7 * late + last), 7);
  },
);

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
