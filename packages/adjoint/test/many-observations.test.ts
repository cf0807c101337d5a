/**
 * `backsolve()` of a solve with many observations, on each of which the way back must land.
 */
import { grad } from '@neuralode/autodiff';
import { reference } from '@neuralode/backend-reference';
import {
  type AdaptiveSolver,
  bosh3,
  cashKarp,
  dop853,
  dopri5,
  fehlberg45,
  type GradientMethod,
  odeint,
  type SolveStats,
  tsit5,
} from '@neuralode/solvers';
import { random, setBackend, type Tensor } from '@neuralode/tensor';
import { beforeAll, expect, it } from 'vitest';
import { backsolve, direct } from '../src/index.ts';
import { pack, relativeError } from './numeric.ts';

beforeAll(async () => {
  await setBackend(reference());
});

/** As a latent path of spirals is solved: a tanh network on four numbers, 100 times, 1e-5 and 1e-6. */
const times = Array.from({ length: 100 }, (_, i) => i / 99);
/** Six evaluations of dopri5 a step, and a step from each time to the next. */
const floor = 6 * (times.length - 1);

interface Measured {
  readonly gradient: number[];
  readonly stats: readonly SolveStats[];
}

function measure(gradient: GradientMethod, solver: AdaptiveSolver, tolerance: number): Measured {
  const stats: SolveStats[] = [];
  const rng = random(5);
  const params = { w1: rng.normal([4, 20], 0, 0.7), w2: rng.normal([20, 4], 0, 0.7) };
  const y0 = rng.normal([5, 4]);
  const loss = (p: { w1: Tensor; w2: Tensor }): Tensor =>
    odeint((_, y, { w1, w2 }: typeof params) => y.matMul(w1).tanh().matMul(w2), y0, times, {
      args: p,
      solver,
      rtol: tolerance,
      atol: tolerance / 10,
      gradient,
      onSolve: (each) => stats.push(each),
    })
      .ys.square()
      .mean();
  const { w1, w2 } = grad(loss).sync(params);
  return { gradient: pack([w1, w2]), stats };
}

it('takes the evaluations of landing on each time, at no larger an error of the gradient', () => {
  const exact = measure(direct(), dop853(), 1e-11).gradient;
  const usual = measure(backsolve(), dopri5(), 1e-5);
  // Two evaluations choose the very first step.
  expect(usual.stats[1].nfe).toBe(floor + 2);
  const carrying = measure(backsolve({ solver: dopri5() }), dopri5(), 1e-5);
  const errors = [usual, carrying].map(({ gradient }) => relativeError(gradient, exact));
  expect(errors[0]).toBeLessThan(1.05 * errors[1]);
  expect(errors[0]).toBeLessThan(1e-5);
});

it('evaluates once more at each landing where the last stage is the first of the next step', () => {
  const [, backward] = measure(backsolve({ solver: dopri5() }), dopri5(), 1e-5).stats;
  // One step to each time, its first stage evaluated afresh; and one evaluation to choose the very first step.
  expect(backward.accepted).toBe(times.length - 1);
  expect(backward.rejected).toBe(0);
  expect(backward.nfe).toBe(floor + (times.length - 1) + 1);
});

it.each([tsit5(), cashKarp(), fehlberg45()])(
  'with $tableau.name forwards it costs what landing does too',
  (solver) => {
    const { stats } = measure(backsolve(), solver, 1e-5);
    expect(stats[1].nfe).toBe(floor + 2);
  },
);

it('with bosh3() on the way back costs less than that floor, and the error of the gradient stays below the tolerance', () => {
  const exact = measure(direct(), dop853(), 1e-11).gradient;
  const usual = measure(backsolve({ solver: dopri5() }), dopri5(), 1e-5);
  const lower = measure(backsolve({ solver: bosh3() }), dopri5(), 1e-5);
  expect(lower.stats[0].nfe).toBe(usual.stats[0].nfe);
  expect(lower.stats[1].nfe).toBeLessThan(floor);
  expect(relativeError(lower.gradient, exact)).toBeLessThan(1e-5);
});
