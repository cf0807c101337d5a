/** What a solve takes: device memory that does not grow with the steps; and float32, where that is all there is. */
import { reference } from '@neuralode/backend-reference';
import { dop853, euler, type OdeintOptions, odeint, rk4, vern7 } from '@neuralode/solvers';
import { memory, setBackend, type Tensor, tensor, where } from '@neuralode/tensor';
import { describe, expect, it } from 'vitest';
import { decay, largestDifference, lotkaVolterra, problems, vanDerPol } from './problems.ts';

describe('memory', () => {
  async function peak(
    times: readonly number[],
    options: OdeintOptions<undefined>,
  ): Promise<{ bytes: number; steps: number }> {
    const backend = await setBackend(reference());
    const y0 = tensor(new Float64Array(1000).fill(1));
    backend.resetPeak();
    const before = memory(backend).liveBytes;
    const { ys, stats } = await odeint(decay, y0, times, options);
    const bytes = memory(backend).peakBytes - before;
    ys.dispose();
    y0.dispose();
    return { bytes, steps: stats.accepted };
  }

  it('does not grow with the number of fixed steps', async () => {
    const few = await peak([0, 1], { solver: rk4(), stepSize: 1 / 32 });
    const many = await peak([0, 1], { solver: rk4(), stepSize: 1 / 1024 });
    expect(many.steps).toBe(1024);
    expect(many.bytes).toBe(few.bytes);
    // y, y₁, four stages, the result, and what is in work
    expect(many.bytes).toBeLessThan(14 * 8000);
  });

  it('does not grow with the number of adaptive steps', async () => {
    const few = await peak([0, 1], { rtol: 1e-3 });
    const many = await peak([0, 1], { rtol: 1e-11, atol: 1e-12 });
    expect(many.steps).toBeGreaterThan(10 * few.steps);
    expect(many.bytes).toBe(few.bytes);
  });

  it('grows with the number of times only by what is observed', async () => {
    const times = Array.from({ length: 101 }, (_, i) => i / 100);
    const two = await peak([0, 1], { rtol: 1e-3 });
    const many = await peak(times, { rtol: 1e-3 });
    // each observation, and once more in the stack of all
    expect(many.bytes - two.bytes).toBeLessThan(2.1 * 99 * 8000);
  });
});

describe('float32', () => {
  const use = (): Promise<unknown> => setBackend(reference({ floatDType: 'float32' }));

  it('is solved in float32, as well as float32 can be', async () => {
    await use();
    for (const { field, exact, interval } of problems) {
      const { ys } = await odeint(field, tensor(exact(interval[0])), interval, {
        rtol: 1e-5,
        atol: 1e-6,
      });
      expect(ys.dtype).toBe('float32');
      const rows = (await ys.array()) as number[][];
      expect(largestDifference(rows, interval.map(exact))).toBeLessThan(2e-4);
    }
  });

  it('takes the steps that float64 takes', async () => {
    const nfe = async (): Promise<number> => {
      const { stats } = await odeint(lotkaVolterra, tensor([10, 5]), [0, 5], {
        rtol: 1e-4,
        atol: 1e-6,
      });
      return stats.nfe;
    };
    await use();
    const single = await nfe();
    await setBackend(reference());
    expect(Math.abs(single / (await nfe()) - 1)).toBeLessThan(0.05);
  });

  it.each([dop853(), vern7()])(
    'interpolates as closely as it steps: $tableau.name',
    async (solver) => {
      await use();
      const times = Array.from({ length: 41 }, (_, i) => i / 40);
      const options = { solver, firstStep: 1, rtol: 1, atol: 1 };
      const { ys, stats } = await odeint(decay, tensor([1]), times, options);
      expect(stats.accepted).toBe(1);
      const rows = (await ys.array()) as number[][];
      // the coefficients go up to 1200, and their roundings with them
      expect(
        largestDifference(
          rows,
          times.map((t) => [Math.exp(-t)]),
        ),
      ).toBeLessThan(4e-6);
    },
  );

  it('keeps times in float64: many small steps do not drift', async () => {
    await use();
    const clock = (_: Tensor, y: Tensor): Tensor => y.mul(0).add(1);
    const options = { solver: euler(), stepSize: 1e-3 };
    const { ys, stats } = await odeint(clock, tensor([0]), [1000, 1001], options);
    expect(stats.accepted).toBe(1000);
    expect(((await ys.array()) as number[][])[1][0]).toBeCloseTo(1, 4);
  });

  it('fails as float64 does, at the same time', async () => {
    await use();
    const broken = (t: Tensor, y: Tensor): Tensor => where(t.greater(0.5), Number.NaN, y.neg());
    await expect(odeint(broken, tensor([1]), [0, 1])).rejects.toThrow(
      /not finite at t = 0\.5000000/,
    );
    const atOnce = (t: Tensor, y: Tensor): Tensor => where(t.greater(0), Number.NaN, y.neg());
    await expect(odeint(atOnce, tensor([1]), [0, 1])).rejects.toThrow(/not finite at t = 0\./);
    const pole = (_: Tensor, y: Tensor): Tensor => y.square();
    await expect(odeint(pole, tensor([1]), [0, 2])).rejects.toThrow(
      /t = (1\.0000|0\.9999).* in float32/,
    );
  });

  it('does not overflow in the norms of large but finite numbers', async () => {
    await use();
    const large = (_: Tensor, y: Tensor): Tensor => y.mul(0).add(1e20);
    const { ys } = await odeint(large, tensor([0]), [0, 1]);
    const [, [end]] = (await ys.array()) as number[][];
    expect(end / 1e20).toBeCloseTo(1, 5);
  });

  it('a state of float32 stays so where the default is float64', async () => {
    await setBackend(reference());
    const y0 = tensor([2, 0], { dtype: 'float32' });
    const { ys } = await odeint(vanDerPol(1), y0, [0, 1], { rtol: 1e-5, atol: 1e-6 });
    expect(ys.dtype).toBe('float32');
  });
});
