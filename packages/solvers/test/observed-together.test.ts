/**
 * Observations that fall into one step are interpolated together; `at` evaluates the same interpolant one time at once.
 */
import { reference } from '@neuralode/backend-reference';
import {
  type AdaptiveSolver,
  alf,
  bosh3,
  cashKarp,
  dop853,
  dopri5,
  type FixedStepSolver,
  heunEuler,
  kvaerno5,
  odeint,
  type OdeintOptions,
  radau5,
  rk4,
  tsit5,
  vern7,
} from '@neuralode/solvers';
import { setBackend, type Tensor, tensor } from '@neuralode/tensor';
import { describe, expect, it } from 'vitest';

const adaptive = [bosh3(), cashKarp(), dop853(), dopri5(), heunEuler(), kvaerno5(), radau5()];
const solvers: readonly (AdaptiveSolver | FixedStepSolver)[] = [
  ...adaptive,
  tsit5(),
  vern7(),
  rk4(),
  alf(),
];

interface State {
  readonly a: Tensor;
  readonly b: readonly [Tensor];
}

const field = (t: Tensor, { a, b }: State): State => ({
  a: a.sin().add(b[0].sum().mul(t.cos())),
  b: [b[0].neg().add(a.sum())],
});

const nameOf = (solver: AdaptiveSolver | FixedStepSolver): string =>
  'method' in solver ? solver.method.name : solver.tableau.name;

describe.each([
  // The coefficients of vern7's interpolant are of size 1e3, and cancel.
  ['float64', 1e3 * 2 ** -52],
  ['float32', 3 * 2 ** -23],
] as const)('in %s', (floatDType, rounding) => {
  it.each(solvers.map((solver) => [nameOf(solver), solver] as const))('%s', async (_, solver) => {
    await setBackend(reference({ floatDType }));
    const y0: State = { a: tensor([0.3, -0.7, 1.1]), b: [tensor([[0.2], [0.4]])] };
    // 23 times in few steps, some of them at the steps' very ends.
    const times = [0, 0.5, 1, 1.5, ...Array.from({ length: 19 }, (_unused, i) => 1.51 + i / 40)];
    const options: OdeintOptions<undefined> =
      solver.kind === 'fixed'
        ? { solver, stepSize: 0.5 }
        : { solver, firstStep: 0.5, maxStep: 0.5, rtol: 1e3, atol: 1e3 };
    const { ys, at, stats } = await odeint(field, y0, times, { ...options, dense: true });
    expect(stats.accepted).toBe(4);
    const [a, b] = [await ys.a.data(), await ys.b[0].data()];
    for (const [i, time] of times.entries()) {
      const state = await at(time);
      const one = [...(await state.a.data()), ...(await state.b[0].data())];
      const together = [...a.slice(3 * i, 3 * i + 3), ...b.slice(2 * i, 2 * i + 2)];
      one.forEach((value, j) => {
        expect(Math.abs(together[j] - value)).toBeLessThan(rounding * (1 + Math.abs(value)));
      });
    }
  });
});
