/** Error control: what it does to errors, steps and statistics, and that each of its options changes the result. */
import { reference } from '@neuralode/backend-reference';
import {
  dop853,
  type Field,
  integralController,
  odeint,
  rk4,
  type SolveStats,
  type StepController,
  vern7,
} from '@neuralode/solvers';
import { setBackend, type Tensor, tensor } from '@neuralode/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { decay, logSlope, lotkaVolterra, problems, solve, swirl, vanDerPol } from './problems.ts';

beforeAll(async () => {
  await setBackend(reference());
});

describe('tolerances', () => {
  it.each(problems)('the error follows them: $name', ({ field, exact }) => {
    const tolerances = [1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10];
    const errors = tolerances.map((tolerance) => {
      const { rows } = solve(field, exact(0), [0, 3], { rtol: tolerance, atol: tolerance });
      return Math.hypot(...rows[1].map((value, i) => value - exact(3)[i]));
    });
    // error per step is held at the tolerance, so the end error goes with its power 1, give or take
    expect(Math.abs(logSlope(tolerances, errors) - 1)).toBeLessThan(0.25);
    errors.forEach((error, i) => {
      expect(error).toBeLessThan(10 * tolerances[i]);
    });
  });

  it('evaluations grow with the fifth root of the tolerance', () => {
    const tolerances = [1e-7, 1e-8, 1e-9, 1e-10, 1e-11, 1e-12];
    const steps = tolerances.map((tolerance) => {
      const { stats } = solve(swirl.field, [1, 0.5], [0, 6], { rtol: tolerance, atol: tolerance });
      return stats.accepted;
    });
    expect(Math.abs(logSlope(tolerances, steps) + 0.2)).toBeLessThan(0.03);
  });

  it('rtol and atol each count', () => {
    const nfe = (rtol: number, atol: number): number =>
      solve(lotkaVolterra, [10, 5], [0, 5], { rtol, atol }).stats.nfe;
    const loose = nfe(1e-4, 1e-4);
    expect(nfe(1e-4, 1e-9)).toBeGreaterThan(loose);
    expect(nfe(1e-9, 1e-4)).toBeGreaterThan(loose);
    expect(nfe(1e-9, 1e-9)).toBeGreaterThan(1.5 * Math.max(nfe(1e-4, 1e-9), nfe(1e-9, 1e-4)));
  });

  it('default to 1e-6 and 1e-8', () => {
    const [plain, said] = [{}, { rtol: 1e-6, atol: 1e-8 }].map((options) =>
      solve(lotkaVolterra, [10, 5], [0, 5], options),
    );
    expect(plain).toEqual(said);
  });
});

describe('statistics', () => {
  const hard = (): SolveStats => solve(vanDerPol(20), [2, 0], [0, 40]).stats;

  it('count two evaluations to begin with, and six an attempted step', () => {
    const stats = hard();
    expect(stats.nfe).toBe(2 + 6 * (stats.accepted + stats.rejected));
    expect(stats.status).toBe('success');
    expect(stats.pass).toBe('forward');
  });

  it('show rejected steps where the problem is hard, yet few', () => {
    const { accepted, rejected } = hard();
    expect(rejected).toBeGreaterThan(5);
    expect(rejected).toBeLessThan(accepted / 8);
  });

  it('count evaluations as the device sees them', async () => {
    const backend = reference();
    let sines = 0;
    const { run } = backend;
    backend.run = (primitive, ...rest) => {
      if (primitive === 'sin') sines++;
      return run(primitive, ...rest);
    };
    await setBackend(backend);
    const wave: Field<Tensor> = (t, y) => y.mul(20).sin().mul(t.mul(20).cos());
    const { stats } = solve(wave, [1], [0, 3]);
    expect(stats.rejected).toBeGreaterThan(0);
    expect(sines).toBe(stats.nfe);
    await setBackend(reference());
  });

  it('follow from the steps', () => {
    const stats = solve(decay, [1], [0, 1], { firstStep: 0.1 }).stats;
    expect(stats.nfe).toBe(1 + 6 * (stats.accepted + stats.rejected));
    const fixed = solve(decay, [1], [0, 1], { solver: rk4(), stepSize: 0.1 }).stats;
    expect(fixed).toMatchObject({ nfe: 40, accepted: 10, rejected: 0 });
  });

  it('come through onSolve too', async () => {
    const heard: SolveStats[] = [];
    const onSolve = (stats: SolveStats): number => heard.push(stats);
    const { stats } = await odeint(decay, tensor([1]), [0, 1], { onSolve });
    odeint.sync(decay, tensor([1]), [0, 1], { onSolve });
    expect(heard).toEqual([stats, stats]);
  });
});

describe('first step', () => {
  const steps = (firstStep: number): number =>
    solve(decay, [1], [0, 1], { firstStep, rtol: 1e-9, atol: 1e-9 }).stats.accepted;

  it('is taken as given', () => {
    expect(solve(decay, [1], [0, 1], { firstStep: 1, rtol: 1, atol: 1 }).stats.accepted).toBe(1);
    // ten times as long each, after the first: 1e-6 … 0.1, then what the tolerance allows
    expect(steps(1e-6) - steps(1e-3)).toBe(3);
  });

  it('by Hairer’s rule is neither rejected nor far too short', () => {
    for (const { field, exact, interval } of problems) {
      const { stats } = solve(field, exact(interval[0]), interval, { rtol: 1e-8, atol: 1e-8 });
      expect(stats.rejected).toBeLessThanOrEqual(3);
      expect(stats.accepted).toBeLessThan(60);
    }
  });

  it('too long is cut down', () => {
    const { rows, stats } = solve(vanDerPol(5), [2, 0], [0, 20], { firstStep: 20 });
    expect(stats.rejected).toBeGreaterThan(1);
    const [, [automatic]] = solve(vanDerPol(5), [2, 0], [0, 20]).rows;
    expect(rows[1][0]).toBeCloseTo(automatic, 4);
  });

  it('is found where the field vanishes, or the state does, or both', () => {
    const still: Field<Tensor> = (_, y) => y.mul(0);
    expect(solve(still, [1], [0, 1e6]).rows[1]).toEqual([1]);
    expect(solve(still, [0], [0, 1e6]).rows[1]).toEqual([0]);
    expect(solve((_, y) => y.mul(0).add(1), [0], [0, 10]).rows[1][0]).toBeCloseTo(10, 12);
  });

  it('stays within the span and maxStep', () => {
    // not finite past the end; the rule may not look there
    const edge: Field<Tensor> = (t, y) => t.neg().add(1.0000001).log().mul(0).add(y.neg());
    expect(solve(edge, [1], [0, 1], { rtol: 1e-3, atol: 1e3 }).rows[1][0]).toBeCloseTo(0.37, 1);
    const calm: Field<Tensor> = (_, y) => y.mul(1e-9);
    const { stats } = solve(calm, [1], [0, 1], { maxStep: 0.25 });
    expect(stats).toMatchObject({ accepted: 4, rejected: 0 });
  });
});

describe('longest step', () => {
  it('holds', () => {
    const count = (maxStep: number): number =>
      solve(decay, [1], [0, 1], { maxStep, firstStep: 1, rtol: 1, atol: 1 }).stats.accepted;
    expect([1, 0.5, 0.3, 0.1, 0.01].map(count)).toEqual([1, 2, 4, 10, 100]);
    expect(count(Number.POSITIVE_INFINITY)).toBe(1);
  });

  it('does not stop a step from shrinking again', () => {
    const options = { rtol: 1e-8, atol: 1e-8 };
    const free = solve(vanDerPol(5), [2, 0], [0, 20], options);
    const held = solve(vanDerPol(5), [2, 0], [0, 20], { ...options, maxStep: 0.02 });
    expect(held.stats.accepted).toBeGreaterThan(free.stats.accepted);
    expect(held.rows[1][0]).toBeCloseTo(free.rows[1][0], 5);
    expect(held.stats.rejected).toBeLessThan(held.stats.accepted / 4);
  });
});

describe('two error estimates (dop853)', () => {
  const options = { solver: dop853() };

  it('that are both zero let the step grow', () => {
    const still: Field<Tensor> = (_, y) => y.mul(0);
    expect(solve(still, [1], [0, 1e6], options).rows[1]).toEqual([1]);
    const { rows, stats } = solve((_, y) => y.mul(0).add(1), [0], [0, 10], options);
    expect(rows[1][0]).toBeCloseTo(10, 12);
    expect(stats.rejected).toBe(0);
  });

  it('that are not finite are a rejection, and in the end a failure', () => {
    const broken: Field<Tensor> = (t, y) => y.div(t.neg().add(1).maximum(0).sqrt());
    expect(() => solve(broken, [1], [0, 2], options)).toThrow(/not finite|step size/);
    expect(() => solve((_, y) => y.square(), [1], [0, 2], options)).toThrow(/t = (1\.0|0\.9)/);
  });
});

it.each([
  [dop853(), 12, 3],
  [vern7(), 10, 5],
] as const)(
  '$tableau.name evaluates the interpolant’s own stages only where needed',
  (solver, perStep, extra) => {
    const nfe = (times: readonly number[]): number =>
      solve(swirl.field, [1, 0.5], times, {
        solver,
        firstStep: 0.25,
        maxStep: 0.25,
        rtol: 1,
        atol: 1,
      }).stats.nfe;
    const plain = 1 + 8 * perStep;
    expect(nfe([0, 2])).toBe(plain);
    expect(nfe([0, 0.5, 1, 2])).toBe(plain);
    expect(nfe([0, 0.1, 0.2, 0.3, 1.9, 2])).toBe(plain + 3 * extra);
    expect(nfe([0, ...Array.from({ length: 99 }, (_, i) => (i + 1) * 0.02), 2])).toBe(
      plain + 8 * extra,
    );
  },
);

it('a controller of one’s own is used', () => {
  const timid = { alpha: 0.2, beta: 0, safety: 0.9, minFactor: 0.2, maxFactor: 1.05 };
  const smooth = { alpha: 0.17, beta: 0.04, safety: 0.9, minFactor: 0.2, maxFactor: 10 };
  const run = (controller: StepController): SolveStats =>
    solve(vanDerPol(5), [2, 0], [0, 20], { controller }).stats;
  const plain = run(integralController(4));
  expect(run(timid).accepted).toBeGreaterThan(plain.accepted);
  // Hairer's PI values: fewer rejections
  expect(run(smooth).rejected).toBeLessThan(plain.rejected);
});

it('two steps where the plan is just short of the end are one', () => {
  // planned 0.995 of the span: Hairer's 1 % closes it
  const options = { firstStep: 0.995, rtol: 1, atol: 1 };
  expect(solve(decay, [1], [0, 1], options).stats.accepted).toBe(1);
  expect(solve(decay, [1], [0, 1], { ...options, maxStep: 0.995 }).stats.accepted).toBe(2);
});
