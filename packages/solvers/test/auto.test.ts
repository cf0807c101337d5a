/** Automatic switching: what it spends beside the better of its two methods, when it switches, and that nobody notices. */
import { readFileSync } from 'node:fs';
import { reference } from '@neuralode/backend-reference';
import {
  type AdaptiveSolver,
  auto,
  bosh3,
  dopri5,
  type Field,
  gmres,
  gustafssonPredictive,
  kvaerno5,
  odeint,
  radau5,
  rodas4,
  type SolveStats,
  solveIvp,
  tsit5,
} from '@neuralode/solvers';
import { concat, setBackend, type Tensor, tensor, where } from '@neuralode/tensor';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  largestDifference,
  liveBuffersLeft,
  lotkaVolterra,
  part,
  problems,
  solve,
  vanDerPol,
} from './problems.ts';

beforeAll(async () => {
  await setBackend(reference());
});

const robertson: Field<Tensor> = (_, y) => {
  const [a, b, c] = [part(y, 0), part(y, 1), part(y, 2)];
  const [slow, back, fast] = [a.mul(0.04), b.mul(c).mul(1e4), b.square().mul(3e7)];
  return concat([back.sub(slow), slow.sub(back).sub(fast), fast]);
};

/** Evaluations, and as many as an exact Jacobian has columns for each of those. */
const spent = ({ nfe, jacobians }: SolveStats, unknowns: number): number =>
  nfe + unknowns * jacobians;

describe('stiff now and then', () => {
  it.each([1, 5, 20, 100, 1000])('van der Pol, mu = %i: near the better method, or ahead', (mu) => {
    const until = Math.max(20, 2 * mu);
    for (const tolerance of [1e-4, 1e-6]) {
      const run = (solver: AdaptiveSolver) =>
        solve(vanDerPol(mu), [2, 0], [0, until], { solver, rtol: tolerance, atol: tolerance });
      const switching = run(auto());
      // At mu = 1000 explicit steps alone take nearly two million evaluations.
      const rivals = [kvaerno5(), ...(mu < 1000 ? [tsit5()] : [])].map(run);
      const best = Math.min(...rivals.map(({ stats }) => spent(stats, 2)));
      expect(spent(switching.stats, 2)).toBeLessThan(1.15 * best);
      const exact = solve(vanDerPol(mu), [2, 0], [0, until], {
        solver: radau5(),
        rtol: 1e-10,
        atol: 1e-10,
      });
      expect(largestDifference(switching.rows, exact.rows)).toBeLessThan(50 * tolerance);
      if (mu >= 100) {
        // Stiff at the start, and again after each of two jumps, of which the last is the end or close to it.
        expect(switching.stats.switches).toBeGreaterThanOrEqual(3);
        expect(switching.stats.switches).toBeLessThanOrEqual(7);
      }
      if (mu <= 5) expect(switching.stats).toMatchObject({ switches: 0, implicitSteps: 0 });
    }
  });

  it.each([
    ['tsit5 and rodas4', tsit5(), rodas4()],
    ['dopri5 and radau5', dopri5(), radau5()],
  ])('%s agree with the independent solution of Robertson’s problem', (_, nonstiff, stiff) => {
    const file = new URL('./reference/robertson.json', import.meta.url);
    const { y0, times, ys } = JSON.parse(readFileSync(file, 'utf8')) as {
      y0: number[];
      times: number[];
      ys: number[][];
    };
    const options = { solver: auto({ nonstiff, stiff }), rtol: 1e-6, atol: 1e-10 };
    const { rows, stats } = solve(robertson, y0, times, options);
    rows.forEach((row, i) => {
      row.forEach((value, j) => {
        expect(Math.abs(value - ys[i][j])).toBeLessThan(100 * (1e-10 + 1e-6 * Math.abs(ys[i][j])));
      });
    });
    // It becomes stiff, and stays so.
    expect(stats.switches).toBe(1);
    const alone = solve(robertson, y0, times, { ...options, solver: stiff }).stats;
    expect(spent(stats, 3)).toBeLessThan(1.15 * spent(alone, 3));
  });

  it('the dense output runs right across', async () => {
    const options = { rtol: 1e-7, atol: 1e-7 };
    const y0 = tensor([2, 0]);
    const solution = odeint.sync(vanDerPol(100), y0, [0, 200], {
      ...options,
      solver: auto(),
      dense: true,
    });
    const times = Array.from({ length: 101 }, (_, i) => 2 * i);
    const exact = solve(vanDerPol(100), [2, 0], times, {
      solver: radau5(),
      rtol: 1e-10,
      atol: 1e-10,
    });
    expect(solution.stats.switches).toBeGreaterThanOrEqual(3);
    const got = await solution.at(times);
    const positions = (rows: number[][]): number[][] => rows.map(([position]) => [position]);
    expect(
      largestDifference(positions((await got.array()) as number[][]), positions(exact.rows)),
    ).toBeLessThan(1e-3);
    solution.dispose();
  });
});

describe('not stiff', () => {
  it.each([
    ...problems,
    { name: 'Lotka-Volterra', field: lotkaVolterra, exact: () => [1, 1], interval: [0, 10] },
  ])('is tsit5, step by step: $name', ({ field, exact, interval }) => {
    const [from, to] = interval;
    for (const times of [
      [from, to],
      [to, from],
    ]) {
      const options = { rtol: 1e-7, atol: 1e-7, controller: gustafssonPredictive() };
      const alone = solve(field, exact(times[0]), times, { ...options, solver: tsit5() });
      const switching = solve(field, exact(times[0]), times, { ...options, solver: auto() });
      expect(largestDifference(switching.rows, alone.rows)).toBe(0);
      expect(switching.stats).toEqual({
        ...alone.stats,
        jacobianProducts: 0,
        implicitSteps: 0,
        switches: 0,
      });
    }
  });
});

/** y' = −λ (y − cos t) − sin t, with the solution cos t from 1. */
const relaxation =
  (rate: number): Field<Tensor> =>
  (t, y) =>
    y.sub(t.cos()).mul(-rate).sub(t.sin());

describe('of constant stiffness', () => {
  it('switches once at most, and only where stability holds the steps', () => {
    fc.assert(
      fc.property(fc.double({ min: -1, max: 6, noNaN: true }), (exponent) => {
        const rate = 10 ** exponent;
        const options = { solver: auto(), rtol: 1e-6, atol: 1e-6 };
        const { rows, stats } = solve(relaxation(rate), [1.5], [0, 10], options);
        const exact = Math.cos(10) + 0.5 * Math.exp(-rate * 10);
        expect(Math.abs(rows[1][0] - exact)).toBeLessThan(1e-4);
        expect(stats.switches).toBeLessThanOrEqual(1);
        // Accuracy alone asks for steps of some tenths.
        if (rate < 3) expect(stats.implicitSteps).toBe(0);
        if (rate > 1000) expect(stats.accepted).toBeLessThan(300);
      }),
      { numRuns: 25 },
    );
  });

  it('backward in time', () => {
    const growing: Field<Tensor> = (t, y) => y.sub(t.cos()).mul(1e4).sub(t.sin());
    const options = { solver: auto(), rtol: 1e-6, atol: 1e-6 };
    const { rows, stats } = solve(growing, [Math.cos(5) + 0.5], [5, 0], options);
    expect(rows[1][0]).toBeCloseTo(1, 4);
    expect(stats.switches).toBe(1);
    expect(stats.accepted).toBeLessThan(300);
  });

  it('goes back where the stiffness ends, on trees, across jumps of the field, in float32', () => {
    const field: Field<{ fast: Tensor; slow: Tensor }> = (t, { fast, slow }) => ({
      fast: fast.sub(t.cos()).mul(where(t.less(10), t.mul(0).sub(1000), t.mul(0).sub(1))),
      slow: fast.sub(slow),
    });
    const y0 = {
      fast: tensor([1.5], { dtype: 'float32' }),
      slow: tensor([0], { dtype: 'float32' }),
    };
    const options = { rtol: 1e-4, atol: 1e-4, jumpAt: [10] };
    const switching = odeint.sync(field, y0, [0, 20], { ...options, solver: auto() });
    const alone = odeint.sync(field, y0, [0, 20], { ...options, solver: kvaerno5() });
    expect(switching.stats.switches).toBe(2);
    for (const leaf of ['fast', 'slow'] as const) {
      expect(switching.ys[leaf].sub(alone.ys[leaf]).abs().max().itemSync()).toBeLessThan(1e-3);
    }
  });
});

describe('refusals', () => {
  it.each([
    [
      { nonstiff: bosh3() },
      'auto: nonstiff must have its last two stages at the end of the step; got bosh3; expected tsit5() or dopri5().',
    ],
    [
      { stiff: tsit5() },
      'auto: stiff must be implicit, with dense systems, whose Jacobian tells the stiffness; got tsit5; expected kvaerno5(), rodas4() or radau5().',
    ],
    [
      { stiff: radau5({ linearSolver: gmres() }) },
      'auto: stiff must be implicit, with dense systems, whose Jacobian tells the stiffness; got radau5 with gmres(); expected kvaerno5(), rodas4() or radau5().',
    ],
    [
      { nonstiff: 'dopri5' as never },
      "auto: nonstiff must be an adaptive Runge-Kutta method; got 'dopri5'; expected tsit5() or dopri5().",
    ],
  ])('%o', (options, message) => {
    expect(() => auto(options)).toThrow(message);
  });

  it('of batched solves and plain numbers', () => {
    expect(() =>
      odeint.sync((_, y) => y.neg(), tensor([[1]]), [0, 1], { solver: auto(), batched: true }),
    ).toThrow(/auto\(tsit5, kvaerno5\)/);
    expect(() => solveIvp((_, y) => -y, 1, [0, 1], { solver: auto() as never })).toThrow(
      /auto\(tsit5, kvaerno5\)/,
    );
  });
});

it('leaves nothing behind', async () => {
  const solving = liveBuffersLeft([2, 0], (y0) =>
    odeint(vanDerPol(100), y0, [0, 20, 100], { solver: auto() }),
  );
  expect(await solving).toEqual({ left: 0 });
  await setBackend(reference());
});
