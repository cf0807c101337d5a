/** Time: its direction, its scale, its distance from 0, steps that end where they should, times as a tensor. */
import { reference } from '@neuralode/backend-reference';
import { euler, type Field, midpoint, type OdeintOptions, odeint, rk4 } from '@neuralode/solvers';
import { setBackend, type Tensor, tensor } from '@neuralode/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { decay, largestDifference, lotkaVolterra, problems, solve, swirl } from './problems.ts';

beforeAll(async () => {
  await setBackend(reference());
});

const tight: OdeintOptions<undefined> = { rtol: 1e-10, atol: 1e-10 };
const small: OdeintOptions<undefined> = { solver: rk4(), stepSize: 1 / 128 };

describe.each([
  ['dopri5', tight],
  ['rk4', small],
] as const)('%s', (_, options) => {
  it.each(problems)('backward in time, at all times: $name', ({ field, exact }) => {
    const times = [1.5, 1.37, 0.9, 0.5, 0.01, -0.2];
    const { rows } = solve(field, exact(1.5), times, options);
    expect(largestDifference(rows, times.map(exact))).toBeLessThan(2e-8);
  });

  it('begins with y0 itself', () => {
    expect(solve(decay, [0.1, 1 / 3], [2, 3, 4], options).rows[0]).toEqual([0.1, 1 / 3]);
  });

  it('takes two times as well as many', () => {
    const many = Array.from({ length: 41 }, (_, i) => i / 20);
    const [two, all] = [[0, 2], many].map((times) => solve(swirl.field, [1, 0.5], times, options));
    expect(two.rows).toEqual([all.rows[0], all.rows[40]]);
    expect(two.stats).toEqual(all.stats);
  });

  it('is the same far from t = 0 where the field does not know the time', () => {
    // multiples of 2⁻⁷, which times near 10⁶ hold exactly
    const times = [0, 0.25, 0.7109375, 1.5, 2];
    const near = solve(lotkaVolterra, [10, 5], times, options);
    for (const far of [1e6, -1e6, 2 ** 40]) {
      const there = solve(
        lotkaVolterra,
        [10, 5],
        times.map((t) => t + far),
        options,
      );
      // near 2⁴⁰ a unit in the last place is 2⁻¹²: steps are what they can be there
      const within = far === 2 ** 40 ? 2e-6 : 1e-9;
      expect(largestDifference(there.rows, near.rows)).toBeLessThan(within);
    }
  });

  it('is right far from t = 0 where it does', () => {
    const far = 1e6;
    const field: Field<Tensor> = (t, y) => t.sub(far).cos().mul(y);
    const { rows } = solve(field, [1], [far, far + 0.5, far + 2], options);
    [0, 0.5, 2].forEach((t, i) => {
      expect(Math.abs(rows[i][0] - Math.exp(Math.sin(t)))).toBeLessThan(1e-8);
    });
  });
});

describe('spans', () => {
  it.each([1e-300, 1e-12, 1e-3, 1, 1e6, 1e100])('of %d', (scale) => {
    const field: Field<Tensor> = (_, y) => y.mul(-1 / scale);
    const { rows, stats } = solve(field, [1], [0, scale / 2, scale], tight);
    expect(rows[1][0]).toBeCloseTo(Math.exp(-0.5), 9);
    expect(rows[2][0]).toBeCloseTo(Math.exp(-1), 9);
    expect(stats.accepted).toBeLessThan(80);
  });

  it('of a few units in the last place', () => {
    const next = 1 + Number.EPSILON;
    expect(solve(decay, [1], [1, next]).rows[1][0]).toBe(1 - Number.EPSILON);
    expect(solve(decay, [1], [1, next], { solver: euler(), stepSize: 1 }).stats.accepted).toBe(1);
    expect(solve(decay, [1], [next, 1]).rows[1][0]).toBeCloseTo(1, 15);
  });

  it('much longer than the dynamics', () => {
    const { rows } = solve(decay, [1], [0, 1e3], { rtol: 1e-6, atol: 1e-9 });
    expect(Math.abs(rows[1][0])).toBeLessThan(1e-8);
  });

  it('across 0', () => {
    const { rows } = solve(swirl.field, swirl.exact(-1), [-1, 0, 1], tight);
    expect(largestDifference(rows, [-1, 0, 1].map(swirl.exact))).toBeLessThan(1e-9);
  });
});

describe('fixed steps', () => {
  const count = (times: readonly number[], stepSize: number): number =>
    solve(decay, [1], times, { solver: euler(), stepSize }).stats.accepted;

  it('leave no sliver at the end', () => {
    expect(count([0, 1], 0.1)).toBe(10);
    expect(count([0, 0.3], 0.1)).toBe(3);
    expect(count([1, 0], 0.1)).toBe(10);
    expect(count([0.1, 0.7], 0.1)).toBe(6);
    expect(count([0, 1], 1 / 3)).toBe(3);
    expect(count([0, 7], 0.007)).toBe(1000);
    expect(count([1e6, 1e6 + 1], 0.001)).toBe(1000);
    expect(count([1e6, 1e6 - 1], 0.001)).toBe(1000);
    expect(count([0, 1], 1e-4)).toBe(10_000);
  });

  it('end with a shorter one where they do not fit', () => {
    expect(count([0, 1], 0.3)).toBe(4);
    expect(count([0, 1], 5)).toBe(1);
    const { rows } = solve(decay, [1], [0, 1], { solver: euler(), stepSize: 0.3 });
    expect(rows[1][0]).toBeCloseTo(0.7 ** 3 * 0.9, 14);
  });

  it('do not drift: dy/dt = 1 adds up to the span', () => {
    const clock: Field<Tensor> = (_, y) => y.mul(0).add(1);
    for (const [from, stepSize] of [
      [0, 0.001],
      [1e6, 0.001],
    ]) {
      const { rows } = solve(clock, [0], [from, from + 3], { solver: rk4(), stepSize });
      expect(Math.abs(rows[1][0] - 3)).toBeLessThan(1e-12);
    }
  });

  it('are the textbook’s', () => {
    const run = (options: OdeintOptions<undefined>): number =>
      solve(decay, [1], [0, 1], options).rows[1][0];
    expect(run({ solver: euler(), stepSize: 0.5 })).toBe(0.25);
    expect(run({ solver: midpoint(), stepSize: 0.5 })).toBe((1 - 0.5 + 0.125) ** 2);
    expect(run({ solver: rk4(), stepSize: 1 })).toBeCloseTo(1 - 1 + 1 / 2 - 1 / 6 + 1 / 24, 15);
  });

  it('are not moved by what is observed between them', () => {
    const options = { solver: rk4(), stepSize: 0.25 };
    const some = solve(swirl.field, [1, 0.5], [0, 0.1, 0.25, 0.3, 0.9, 1], options);
    const end = solve(swirl.field, [1, 0.5], [0, 1], options);
    expect(some.rows[5]).toEqual(end.rows[1]);
    expect(some.rows[2]).toEqual(solve(swirl.field, [1, 0.5], [0, 0.25], options).rows[1]);
  });
});

describe('times as a tensor', () => {
  it.each([tight, small])('give what the numbers give', async (options) => {
    for (const times of [
      [0, 0.5, 2],
      [1, 0.4, -1],
    ]) {
      const y0 = tensor([1, 0.5]);
      const { ys, stats } = await odeint(swirl.field, y0, tensor(times), options);
      const plain = solve(swirl.field, [1, 0.5], times, options);
      expect(largestDifference((await ys.array()) as number[][], plain.rows)).toBeLessThan(1e-14);
      expect(stats).toEqual(plain.stats);
    }
  });

  it('may be typed arrays and other iterables’ arrays too', () => {
    const times = Float64Array.of(0, 1, 2) as unknown as readonly number[];
    expect(solve(decay, [1], Array.from(times)).rows).toEqual(
      (odeint.sync(decay, tensor([1]), times).ys.arraySync() as number[][]).map((row) => row),
    );
  });
});
