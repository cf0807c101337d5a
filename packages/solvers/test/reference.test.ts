/** Agreement with solutions of other codes: see bench/peers/reference_solutions.py, which made them. */
import { readFileSync } from 'node:fs';
import { reference } from '@neuralode/backend-reference';
import {
  bosh3,
  dop853,
  dopri5,
  elementary,
  type Field,
  rk4,
  tsit5,
  vern7,
} from '@neuralode/solvers';
import { concat, setBackend, type Tensor } from '@neuralode/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { largestDifference, lotkaVolterra, part, solve, vanDerPol } from './problems.ts';

interface ReferenceSolution {
  readonly y0: number[];
  readonly times: number[];
  readonly ys: number[][];
  readonly method: { readonly rtol: number; readonly atol: number };
  readonly evaluations?: number;
}

function load(name: string): ReferenceSolution {
  const file = new URL(`./reference/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')) as ReferenceSolution;
}

const lorenz: Field<Tensor> = (_, y) => {
  const [a, b, c] = [part(y, 0), part(y, 1), part(y, 2)];
  const second = a.mul(c.neg().add(28)).sub(b);
  return concat([b.sub(a).mul(10), second, a.mul(b).sub(c.mul(8 / 3))]);
};

const spiral: Field<Tensor> = (_, y) => {
  const [a, b] = [part(y, 0).pow(3), part(y, 1).pow(3)];
  return concat([a.mul(-0.1).sub(b.mul(2)), a.mul(2).sub(b.mul(0.1))]);
};

const linear: Field<Tensor> = (t, y) =>
  concat([part(y, 1), part(y, 0).neg()])
    .mul(t)
    .sub(y.mul(0.5));

const harmonic: Field<Tensor> = (_, y) => concat([part(y, 1), part(y, 0).mul(-4)]);

/** How much larger than the tolerance the global error may be, on each: what the problem's own growth makes of it. */
const cases = [
  { name: 'lotka-volterra', field: lotkaVolterra, within: 1000 },
  { name: 'van-der-pol', field: vanDerPol(1), within: 100 },
  { name: 'linear-time-dependent', field: linear, within: 10 },
  { name: 'spiral', field: spiral, within: 200 },
  { name: 'lorenz', field: lorenz, within: 500 },
  { name: 'harmonic-backward', field: harmonic, within: 20 },
] as const;

beforeAll(async () => {
  await setBackend(reference());
});

describe.each(cases)('$name', ({ name, field, within }) => {
  const { y0, times, ys } = load(name);

  describe.each([dopri5(), tsit5(), vern7(), dop853()])('$tableau.name', (solver) => {
    it.each([1e-5, 1e-7, 1e-9, 1e-11])('at tolerance %d', (tolerance) => {
      const { rows } = solve(field, y0, times, { solver, rtol: tolerance, atol: tolerance });
      expect(largestDifference(rows, ys)).toBeLessThan(within * tolerance);
    });
  });

  it('rk4 with small steps', () => {
    const stepSize = Math.abs(times[times.length - 1] - times[0]) / 3000;
    const { rows } = solve(field, y0, times, { solver: rk4(), stepSize });
    expect(largestDifference(rows, ys)).toBeLessThan(5e-6);
  });
});

it('dopri5 errs no more than that of torchdiffeq, for fewer evaluations', () => {
  const name = 'lotka-volterra';
  const peer = load(`${name}-torchdiffeq-dopri5`);
  const { rtol, atol } = peer.method;
  // torchdiffeq's error estimate is 2/3 of ours, so its tolerances are looser than they look
  const loosened = { rtol: 1.5 * rtol, atol: 1.5 * atol };
  const { rows, stats } = solve(lotkaVolterra, peer.y0, peer.times, loosened);
  const exact = load(name).ys;
  expect(largestDifference(rows, exact)).toBeLessThan(largestDifference(peer.ys, exact));
  expect(stats.nfe).toBeLessThan(peer.evaluations as number);
});

describe.each([
  ['lotka-volterra', lotkaVolterra],
  ['lorenz', lorenz],
] as const)('%s as scipy solves it', (name, field) => {
  const { y0, times, method, methods } = load(`${name}-scipy`) as ReferenceSolution & {
    readonly methods: Readonly<Record<string, { evaluations: number; ys: number[][] }>>;
  };
  const { rtol, atol } = method;

  it.each([
    ['RK23', bosh3()],
    ['RK45', dopri5()],
    ['DOP853', dop853()],
  ] as const)('%s', (peer, solver) => {
    const { evaluations, ys } = methods[peer];
    const { rows, stats } = solve(field, y0, times, {
      solver,
      rtol,
      atol,
      controller: elementary(),
    });
    // the same steps, so the same error at the end, and between but for another quartic in RK45
    expect(largestDifference(rows.slice(-1), ys.slice(-1))).toBeLessThan(1e-11);
    expect(largestDifference(rows, ys)).toBeLessThan(peer === 'RK45' ? 1e-6 : 1e-11);
    // scipy evaluates the dense output for the first and the last time too
    expect(stats.nfe).toBe(peer === 'DOP853' ? evaluations - 6 : evaluations);
  });
});
