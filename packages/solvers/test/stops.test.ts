/** Times that a step must end on, and times at which the field is not continuous; by both doors. */
import { jit } from '@neuralode/autodiff';
import { reference } from '@neuralode/backend-reference';
import { everyStep, odeint, rk4, solveIvp, type StepReport } from '@neuralode/solvers';
import { setBackend, type Tensor, tensor, where } from '@neuralode/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { decay, largestDifference, solve } from './problems.ts';

beforeAll(async () => {
  await setBackend(reference());
});

describe('times to land on', () => {
  it('stepAt: among the steps, by both doors, in both directions, fixed steps too', async () => {
    for (const sign of [1, -1]) {
      const options = { stepAt: [3, 0.7, 1.9, -5].map((t) => t * sign), output: everyStep() };
      const span = [0, 2.5 * sign];
      const fixed = { ...options, solver: rk4(), stepSize: 0.3 };
      for (const each of [options, fixed]) {
        const plain = solveIvp((_, y) => -y, 1, span, each as never);
        expect(plain.ts).toContain(0.7 * sign);
        expect(plain.ts).toContain(1.9 * sign);
        const tensors = await odeint(decay, tensor([1]), span, each as never);
        expect(tensors.ts.length).toBe(plain.ts.length);
        expect(largestDifference([tensors.ts], [plain.ts])).toBeLessThan(1e-9);
      }
    }
  });

  /** y′ = 1 before t = 1, −3 after. */
  const kink = (t: number): number => (t < 1 ? 1 : -3);
  const kinkOfTensors = (t: Tensor, y: Tensor): Tensor => where(t.less(1), 1, y.mul(0).sub(3));

  it('jumpAt: a rounding apart, at the ends and outside, never runs time back', async () => {
    // y jumps from slope 0 to 1 where t passes ±1
    for (const [sign, end] of [1, -1].flatMap((s) => [2, 20].map((e) => [s, e * s]))) {
      const field = (t: number): number => (t * sign < 1 ? 0 : 1);
      const fieldOfTensors = (t: Tensor, y: Tensor): Tensor =>
        where(t.mul(sign).less(1), 0, y.mul(0).add(1));
      for (const apart of [1e-16, 4e-16, 9e-16, 3e-15, 2e-14]) {
        const jumpAt = [sign * (1 + apart), sign, 0, sign * apart, end, sign * 1e9, -sign];
        const lengths: number[] = [];
        const onStep = ({ h }: StepReport): void => void lengths.push(h * sign);
        const options = { jumpAt, onStep, dense: true } as const;
        const plain = solveIvp(field, 0, [0, end], options);
        expect(plain.ys[1]).toBeCloseTo(end - sign, 12);
        expect([plain.at(0), plain.at(sign)]).toEqual([0, 0]);
        const tensors = await odeint(fieldOfTensors, tensor([0]), [0, end], options);
        expect((await tensors.ys.data())[1]).toBeCloseTo(end - sign, 12);
        expect(Math.min(...lengths)).toBeGreaterThan(0);
        tensors.dispose();
      }
    }
  });

  it('jumpAt: exact across a discontinuity, with fewer evaluations than without', async () => {
    const ts = [0, 0.5, 1, 1.5, 2];
    const rough = solveIvp(kink, 0, ts, { rtol: 1e-8 });
    const sharp = solveIvp(kink, 0, ts, { rtol: 1e-8, jumpAt: [1] });
    expect(rough.stats.rejected).toBeGreaterThan(0);
    expect(sharp.stats.rejected).toBe(0);
    expect(sharp.stats.nfe).toBeLessThan(rough.stats.nfe / 2);
    const expected = [0, 0.5, 1, -0.5, -2];
    sharp.ys.forEach((y, i) => {
      expect(y).toBeCloseTo(expected[i], 13);
    });
    const tensors = solve(kinkOfTensors, [0], ts, { rtol: 1e-8, jumpAt: [1] });
    expect(tensors.stats).toEqual(sharp.stats);
    tensors.rows.forEach(([y], i) => {
      expect(y).toBeCloseTo(expected[i], 13);
    });
  });

  it('backward, with fixed steps, at the ends, and with dense output', () => {
    const back = solveIvp(kink, -2, [2, 0.5], { jumpAt: [1], dense: true });
    expect(back.ys[1]).toBeCloseTo(0.5, 13);
    expect(back.at(1)).toBeCloseTo(1, 13);
    expect(back.at(1.25)).toBeCloseTo(0.25, 13);
    const fixed = { solver: rk4(), stepSize: 0.3, jumpAt: [1] };
    expect(solveIvp(kink, 0, [0, 2], fixed).ys[1]).toBeCloseTo(-2, 13);
    expect(solve(kinkOfTensors, [0], [0, 2], fixed).rows[1][0]).toBeCloseTo(-2, 13);
    const late = (t: number): number => (t > 1 ? -3 : 1);
    const ends = solveIvp(late, 0, [1, 2], { jumpAt: [1, 2], dense: true });
    expect(ends.ys[1]).toBeCloseTo(-3, 13);
    expect(ends.at(2)).toBeCloseTo(-3, 13);
    expect(ends.stats.rejected).toBe(0);
  });

  it('inside a recorded function, in float32', async () => {
    const run = jit(
      (y: Tensor) => odeint(kinkOfTensors, y, [0, 2], { jumpAt: [1], rtol: 1e-5 }).ys,
    );
    const ys = (await (await run(tensor([0], { dtype: 'float32' }))).array()) as number[][];
    expect(ys[1][0]).toBeCloseTo(-2, 5);
  });

  it('are refused where they make no sense', async () => {
    // a typed array is a list too
    const typed = { stepAt: new Float64Array([0.4]) as unknown as number[], output: everyStep() };
    expect(solveIvp(kink, 0, [0, 1], typed).ts).toContain(0.4);
    expect(() => solveIvp(kink, 0, [0, 1], { stepAt: [Number.NaN] })).toThrow(
      'solveIvp: stepAt must be a list of finite times; got [NaN]. Pass such as { stepAt: [1, 2.5] }, or leave it out.',
    );
    await expect(odeint(decay, tensor([1]), tensor([0, 1]), { jumpAt: [0.5] })).rejects.toThrow(
      'odeint: stepAt and jumpAt need the times as numbers',
    );
  });
});
