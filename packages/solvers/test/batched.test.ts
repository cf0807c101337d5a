/** Batched solves: every row takes the steps, and gives the values, of a solve of that row alone. */
import { jit } from '@neuralode/autodiff';
import { reference } from '@neuralode/backend-reference';
import {
  bosh3,
  dop853,
  dopri5,
  type Field,
  midpoint,
  type OdeintOptions,
  odeint,
  rk4,
  type RowStats,
  type SolveStats,
  tsit5,
} from '@neuralode/solvers';
import { setBackend, stack, type Tensor, tensor, zeros } from '@neuralode/tensor';
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
    ['tsit5', { solver: tsit5() }],
    ['dop853, with stages for the interpolant alone', { solver: dop853(), rtol: 1e-8 }],
    ['bosh3', { solver: bosh3(), rtol: 1e-4 }],
    ['rk4', { solver: rk4(), stepSize: 0.013 }],
    ['midpoint', { solver: midpoint(), stepSize: 0.0071 }],
    [
      'fixed steps of a method whose last stage serves the next step',
      { solver: { kind: 'fixed', tableau: bosh3().tableau }, stepSize: 0.013 },
    ],
  ])('takes in each row the steps of that row alone: %s', (_, options) => {
    expectRowsAsAlone(rows, options);
  });

  it('does so backwards in time', () => {
    const back = rows.map((row) => ({ ...row, mu: -row.mu, times: row.times.toReversed() }));
    expectRowsAsAlone(back);
  });

  it('does so for every batch', () => {
    const number = (min: number, max: number): fc.Arbitrary<number> =>
      fc.double({ min, max, noNaN: true });
    const row = fc.record({
      y0: fc.tuple(number(-2, 2), number(-2, 2)),
      mu: number(0, 10),
      start: number(-5, 5),
      gaps: fc.tuple(number(1e-3, 1), number(1e-3, 3), number(1e-3, 3)),
    });
    const tolerance = fc.constantFrom(1e-3, 1e-5, 1e-8);
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 5 }), tolerance, (drawn, rtol) => {
        const batch = drawn.map(({ y0, mu, start, gaps }) => {
          const times = [start];
          for (const gap of gaps) times.push((times.at(-1) as number) + gap);
          return { y0, mu, times };
        });
        expectRowsAsAlone(batch, { rtol, atol: rtol / 100 });
      }),
      { numRuns: 15 },
    );
  });

  it('takes one list of times for all rows, and times as a tensor', () => {
    const grid = [0, 0.7, 2];
    const y0 = tensor(rows.map((row) => row.y0));
    const args = tensor(rows.map(({ mu }) => mu));
    const expected = together(rows.map((row) => ({ ...row, times: grid }))).values;
    for (const ts of [grid, tensor(grid), tensor(rows.map(() => grid))]) {
      const { ys } = odeint.sync(oscillator, y0, ts, { args, batched: true });
      const values = ys.transpose([1, 0, 2]).arraySync() as number[][][];
      expect(largestDifference(values.flat(), expected.flat())).toBeLessThan(1e-12);
    }
  });

  it('gives its first observation as it is, and the last as a shorter grid has it', () => {
    const { values } = together(rows);
    const ends = together(
      rows.map(({ times, ...row }) => ({ ...row, times: [times[0], times[3]] })),
    );
    rows.forEach(({ y0 }, r) => {
      expect(values[r][0]).toEqual(y0);
      expect(values[r][3]).toEqual(ends.values[r][1]);
    });
  });

  it('takes trees of states of different ranks', () => {
    const field = (t: Tensor, { q, p }: { q: Tensor; p: Tensor }): { q: Tensor; p: Tensor } => ({
      q: p.sum([1, 2]).neg().mul(t),
      p: p.mul(q.reshape([2, 1, 1])),
    });
    const options = { batched: true } as const;
    const q = tensor([0.3, 0.1]);
    const p = tensor([
      [[1], [2]],
      [[0.5], [3]],
    ]);
    const { ys, stats } = odeint.sync(
      field,
      { q, p },
      [
        [0, 1],
        [0, 2],
      ],
      options,
    );
    expect(ys.q.shape).toEqual([2, 2]);
    expect(ys.p.shape).toEqual([2, 2, 2, 1]);
    [1, 2].forEach((end, r) => {
      const start = { q: q.slice([r], [1]), p: p.slice([r], [1]) };
      const one = (t: Tensor, y: typeof start): typeof start => ({
        q: y.p.sum([1, 2]).neg().mul(t),
        p: y.p.mul(y.q.reshape([1, 1, 1])),
      });
      const own = odeint.sync(one, start, [0, end]);
      expect(stats.rows?.[r].accepted).toBe(own.stats.accepted);
      const [got, expected] = [ys.q.at(1).at(r), own.ys.q.at(1).at(0)].map((x) => x.itemSync());
      expect(Math.abs(got - expected)).toBeLessThan(1e-12);
    });
  });

  it('runs inside jit, and in a promise', async () => {
    const solve = (y0: Tensor, ts: Tensor): Tensor =>
      odeint(oscillator, y0, ts, { args: tensor([1, 5]), batched: true }).ys;
    const run = jit(solve);
    const [y0, ts] = [
      tensor([
        [1, 0],
        [2, 1],
      ]),
      tensor([
        [0, 1, 2],
        [1, 1.5, 4],
      ]),
    ];
    const twice = [await run(y0, ts), await run(y0, ts)].map((ys) => Array.from(ys.dataSync()));
    expect(twice[0]).toEqual(twice[1]);
    const args = tensor([1, 5]);
    const { ys } = await odeint(oscillator, y0, ts, { args, batched: true });
    expect(Array.from(ys.dataSync())).toEqual(twice[0]);
  });
});

describe('what it costs', () => {
  const easy = Array.from({ length: 15 }, (_, i) => ({
    y0: [2, 0.1 * i],
    mu: 0.1 * i,
    times: [0, 10],
  }));
  const stiff = { y0: [2, 0], mu: 50, times: [0, 10] };

  it('evaluations of the batch are those of its hardest row', () => {
    const { stats } = together([...easy, stiff]);
    const own = alone(stiff).stats;
    expect(stats.nfe).toBe(own.nfe);
  });

  it('a hard row costs the others no step', () => {
    const without = together(easy).stats.rows;
    const beside = together([...easy, stiff]).stats.rows;
    expect(beside?.slice(0, easy.length)).toEqual(without);
  });

  it('rows out of step with each other cost fewer evaluations than common steps', () => {
    // each row is fast at another time
    const pulse: Field<Tensor, Tensor> = (t, y, centre) =>
      t.sub(centre).mul(40).square().neg().exp().mul(40).sub(y);
    const centres = tensor(Array.from({ length: 16 }, (_, i) => 0.5 + i));
    const y0 = zeros([16]);
    const options = { args: centres, rtol: 1e-6, atol: 1e-8, maxStep: 0.2 };
    const common = odeint.sync(pulse, y0, [0, 17], options).stats;
    const own = odeint.sync(pulse, y0, [0, 17], { ...options, batched: true }).stats;
    expect(own.nfe).toBeLessThan(common.nfe / 3);
  });

  it('totals are the sums over the rows', () => {
    const { stats } = together(rows);
    const sum = (pick: (row: RowStats) => number): number =>
      (stats.rows ?? []).reduce((total, row) => total + pick(row), 0);
    expect(stats.accepted).toBe(sum(({ accepted }) => accepted));
    expect(stats.rejected).toBe(sum(({ rejected }) => rejected));
    expect(stats).toMatchObject({ status: 'success', pass: 'forward' });
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
    const ts = [
      [0, 1.234, 3],
      [1, 3, 4],
    ];
    for (const solver of [dopri5(), dop853()]) {
      sines = 0;
      const { stats } = odeint.sync(wave, tensor([1, 2]), ts, { batched: true, solver });
      expect(stats.rejected).toBeGreaterThan(0);
      expect(sines).toBe(stats.nfe);
    }
    await setBackend(reference());
  });
});
