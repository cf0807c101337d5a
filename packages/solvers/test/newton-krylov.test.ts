/**
 * Implicit methods by GMRES: against themselves with dense systems, against scipy on a reaction with diffusion of 500
 * unknowns (see bench/peers/reference_stiff.py), and against a closed form.
 */
import { readFileSync } from 'node:fs';
import { reference } from '@neuralode/backend-reference';
import {
  backwardEuler,
  type Field,
  gaussLegendre4,
  gaussLegendre6,
  gmres,
  implicitMidpoint,
  kvaerno3,
  kvaerno4,
  kvaerno5,
  NewtonError,
  odeint,
  radau3,
  radau5,
  rodas4,
  trapezoid,
} from '@neuralode/solvers';
import { concat, setBackend, type Tensor, tensor } from '@neuralode/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { largestDifference, liveBuffersLeft, solve, vanDerPol } from './problems.ts';

beforeAll(async () => {
  await setBackend(reference());
});

/** Differences of second order on a line of n inner points, with fixed values at its ends. */
function diffusion(u: Tensor, edge: number): Tensor {
  const [n] = u.shape;
  const end = u.slice([0], [1]).mul(0).add(edge);
  const padded = concat([end, u, end]);
  const sides = padded.slice([0], [n]).add(padded.slice([2], [n]));
  return sides.sub(u.mul(2)).mul((n + 1) ** 2);
}

/** BRUSS of Hairer, Wanner II, section IV.10, α = 1/50. */
const brusselator: Field<Tensor> = (_, y) => {
  const n = y.shape[0] / 2;
  const [u, v] = [y.slice([0], [n]), y.slice([n], [n])];
  const reaction = u.square().mul(v);
  return concat([
    reaction.add(1).sub(u.mul(4)).add(diffusion(u, 1).mul(0.02)),
    u.mul(3).sub(reaction).add(diffusion(v, 3).mul(0.02)),
  ]);
};

const brusselatorStart = (n: number): number[] => [
  ...Array.from({ length: n }, (_, i) => 1 + Math.sin((2 * Math.PI * (i + 1)) / (n + 1))),
  ...Array.from({ length: n }, () => 3),
];

describe('where dense systems are small enough to compare with', () => {
  const y0 = brusselatorStart(10);

  it.each(
    [backwardEuler, implicitMidpoint, trapezoid, gaussLegendre4, gaussLegendre6].map(
      (make) => [make().tableau.name, make] as const,
    ),
  )('%s takes the same steps', (_, make) => {
    const dense = solve(brusselator, y0, [0, 0.5], { solver: make(), stepSize: 0.05 });
    const solver = make({ linearSolver: gmres() });
    const krylov = solve(brusselator, y0, [0, 0.5], { solver, stepSize: 0.05 });
    expect(largestDifference(krylov.rows, dense.rows)).toBeLessThan(1e-9);
    expect(krylov.stats).toMatchObject({ jacobians: 0, factorisations: 0 });
    expect(krylov.stats.jacobianProducts).toBeGreaterThan(0);
    expect(dense.stats.jacobianProducts).toBe(0);
  });

  it.each(
    [radau3, radau5, kvaerno3, kvaerno4, kvaerno5, rodas4].map(
      (make) => [make().tableau.name, make] as const,
    ),
  )('%s meets its tolerance in about as many steps', (_, make) => {
    const exact = solve(brusselator, y0, [0, 2], { solver: radau5(), rtol: 1e-10, atol: 1e-10 });
    const tolerances = { rtol: 1e-5, atol: 1e-5 };
    const dense = solve(brusselator, y0, [0, 2], { solver: make(), ...tolerances });
    const solver = make({ linearSolver: gmres() });
    const krylov = solve(brusselator, y0, [0, 2], { solver, ...tolerances });
    expect(largestDifference(krylov.rows, exact.rows)).toBeLessThan(2e-4);
    expect(krylov.stats.accepted).toBeLessThan(1.15 * dense.stats.accepted + 2);
    expect(krylov.stats).toMatchObject({ jacobians: 0, factorisations: 0 });
  });

  it('solves badly scaled unknowns: van der Pol, mu = 1000', () => {
    const ends = [0, 100, 800];
    const exact = solve(vanDerPol(1000), [2, 0], ends, {
      solver: radau5(),
      rtol: 1e-11,
      atol: 1e-13,
    });
    const options = { rtol: 1e-6, atol: 1e-6 };
    const dense = solve(vanDerPol(1000), [2, 0], ends, { solver: radau5(), ...options });
    const solver = radau5({ linearSolver: gmres() });
    const krylov = solve(vanDerPol(1000), [2, 0], ends, { solver, ...options });
    expect(largestDifference(krylov.rows, exact.rows)).toBeLessThan(1e-5);
    expect(krylov.stats.accepted).toBeLessThan(1.2 * dense.stats.accepted);
  });
});

describe('500 unknowns', () => {
  const file = new URL('./reference/brusselator.json', import.meta.url);
  const { y, every } = JSON.parse(readFileSync(file, 'utf8')) as { y: number[]; every: number };
  const sampled = (row: readonly number[]): number[] => row.filter((_, i) => i % every === 0);

  it.each([
    ['kvaerno3', kvaerno3],
    ['kvaerno5', kvaerno5],
  ])('%s agrees with scipy', (_, make) => {
    const solver = make({ linearSolver: gmres({ restart: 40 }) });
    const options = { solver, rtol: 1e-4, atol: 1e-4 };
    const { rows, stats } = solve(brusselator, brusselatorStart(250), [0, 2], options);
    expect(largestDifference([sampled(rows[1])], [y])).toBeLessThan(1e-3);
    // A dense Jacobian is 500 products.
    expect(stats.jacobianProducts).toBeLessThan(500 * (stats.accepted + stats.rejected));
  });

  it('float32 agrees with scipy to what it can hold', () => {
    const y0 = tensor(brusselatorStart(250), { dtype: 'float32' });
    const solver = kvaerno3({ linearSolver: gmres({ restart: 40 }) });
    const { ys } = odeint.sync(brusselator, y0, [0, 2], { solver, rtol: 1e-3, atol: 1e-3 });
    const [, end] = ys.arraySync() as number[][];
    expect(largestDifference([sampled(end)], [y])).toBeLessThan(1e-2);
  });

  it('heat on a square decays as its modes do', () => {
    // Two sine modes are eigenvectors of the five-point differences, with the eigenvalues below.
    const n = 23;
    const mode = (k: number, i: number): number => Math.sin((k * Math.PI * (i + 1)) / (n + 1));
    const rate = (k: number): number =>
      -4 * (n + 1) ** 2 * Math.sin((k * Math.PI) / (2 * (n + 1))) ** 2;
    const modes = [
      [1, 1],
      [2, 3],
    ] as const;
    const at = (t: number): number[][] =>
      Array.from({ length: n }, (_, i) =>
        Array.from({ length: n }, (_, j) =>
          modes.reduce(
            (sum, [k, l]) => sum + Math.exp((rate(k) + rate(l)) * t) * mode(k, i) * mode(l, j),
            0,
          ),
        ),
      );
    const heat: Field<Tensor> = (_, u) => {
      const padded = u.pad([1, 1], [1, 1]);
      const shifted = (i: number, j: number): Tensor => padded.slice([i, j], [n, n]);
      const around = shifted(0, 1).add(shifted(2, 1)).add(shifted(1, 0)).add(shifted(1, 2));
      return around.sub(u.mul(4)).mul((n + 1) ** 2);
    };
    const solver = kvaerno3({ linearSolver: gmres() });
    const { ys } = odeint.sync(heat, tensor(at(0)), [0, 0.02, 0.05], {
      solver,
      rtol: 1e-5,
      atol: 1e-7,
    });
    const got = ys.arraySync() as number[][][];
    expect(largestDifference(got[1], at(0.02))).toBeLessThan(1e-4);
    expect(largestDifference(got[2], at(0.05))).toBeLessThan(1e-4);
  });
});

describe('failures', () => {
  it.each([{ restart: 0 }, { restart: 2.5 }, { maxProducts: Number.NaN }])(
    'refuses %o',
    (options) => {
      expect(() => gmres(options)).toThrow(
        /^gmres: (restart|maxProducts) must be a positive integer; got .*\. Leave it out for the default\.$/,
      );
    },
  );

  it('too few products are a NewtonError in fixed steps, and leave nothing behind', async () => {
    const solver = backwardEuler({ linearSolver: gmres({ maxProducts: 1 }) });
    const { left, error } = await liveBuffersLeft(brusselatorStart(10), (y0) =>
      odeint(brusselator, y0, [0, 1], { solver, stepSize: 0.5 }),
    );
    expect(error).toBeInstanceOf(NewtonError);
    expect(left).toBe(0);
    await setBackend(reference());
  });

  it('a solve that goes well leaves nothing behind', async () => {
    const solver = radau5({ linearSolver: gmres() });
    const solving = liveBuffersLeft(brusselatorStart(10), (y0) =>
      odeint(brusselator, y0, [0, 0.1], { solver }),
    );
    expect(await solving).toEqual({ left: 0 });
    await setBackend(reference());
  });
});
