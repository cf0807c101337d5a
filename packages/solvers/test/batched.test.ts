/** Batched solves: every row takes the steps, and gives the values, of a solve of that row alone. */
import { reference } from '@neuralode/backend-reference';
import {
  type Field,
  midpoint,
  type OdeintOptions,
  odeint,
  rk4,
  type SolveStats,
} from '@neuralode/solvers';
import {
  getBackend,
  memory,
  setBackend,
  stack,
  type Tensor,
  tensor,
  where,
} from '@neuralode/tensor';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { largestDifference } from './problems.ts';

beforeAll(async () => {
  await setBackend(reference());
});

type Options = OdeintOptions<Tensor>;

/** Van der Pol with a forcing, so that t counts; args are μ, a number a row [B, 1] or one. Rows [B, 2] or one [2]. */
const oscillator: Field<Tensor, Tensor> = (t, y, mu) => {
  const axis = y.rank - 1;
  const [x, v] = [y.at(0, axis), y.at(1, axis)];
  const force = v.mul(x.square().neg().add(1)).mul(mu).sub(x);
  return stack([v, force.add(t.sin().mul(0.3))], axis);
};

interface Row {
  readonly y0: readonly number[];
  readonly mu: number;
  readonly times: readonly number[];
}

interface Solved {
  /** [row][time][component]. */
  readonly values: number[][][];
  readonly stats: SolveStats;
}

function together(rows: readonly Row[], options: Options = {}): Solved {
  const { ys, stats } = odeint.sync(
    oscillator,
    tensor(rows.map(({ y0 }) => y0)),
    rows.map(({ times }) => times),
    { ...options, args: tensor(rows.map(({ mu }) => mu)), batched: true },
  );
  const values = ys.transpose([1, 0, 2]).arraySync() as number[][][];
  return { values, stats };
}

function alone(
  { y0, mu, times }: Row,
  options: Options = {},
): { values: number[][]; stats: SolveStats } {
  const args = tensor(mu);
  const { ys, stats } = odeint.sync(oscillator, tensor(y0), times, { ...options, args });
  return { values: ys.arraySync() as number[][], stats };
}

function expectRowsAsAlone(rows: readonly Row[], options: Options = {}): void {
  const { values, stats } = together(rows, options);
  rows.forEach((row, r) => {
    const own = alone(row, options);
    expect(stats.rows?.[r]).toEqual({
      accepted: own.stats.accepted,
      rejected: own.stats.rejected,
    });
    expect(largestDifference(values[r], own.values)).toBeLessThan(1e-12);
  });
}

const rows: readonly Row[] = [
  { y0: [2, 0], mu: 0.5, times: [0, 1, 2, 3] },
  { y0: [1, -1], mu: 5, times: [1, 1.5, 2.5, 9] },
  { y0: [0.1, 0.2], mu: 30, times: [-3, -1, 20, 40] },
  { y0: [0, 0.3], mu: 0, times: [0, 1e-9, 2e-9, 0.1] },
];

describe('a batched solve', () => {
  it.each<[string, Options]>([
    ['dopri5', {}],
    ['dopri5 with tight tolerances', { rtol: 1e-10, atol: 1e-12 }],
    ['dopri5 with a first step', { firstStep: 0.01, maxStep: 0.5 }],
    ['rk4', { solver: rk4(), stepSize: 0.013 }],
    ['midpoint', { solver: midpoint(), stepSize: 0.0071 }],
  ])('takes in each row the steps of that row alone: %s', (_, options) => {
    expectRowsAsAlone(rows, options);
  });

  it('does so backwards in time', () => {
    const back = rows.map((row) => ({ ...row, mu: -row.mu, times: row.times.toReversed() }));
    expectRowsAsAlone(back);
  });
});
