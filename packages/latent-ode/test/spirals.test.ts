/** The spirals against the formulas of the paper's public example, and their shape as a data set. */
import { reference } from '@neuralode/backend-reference';
import { setBackend } from '@neuralode/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { spiralBatch, spiralScale, spirals } from '../src/index.ts';

beforeAll(async () => {
  await setBackend(reference());
});

const small = { seed: 5, count: 20, times: 10, resolution: 200, noise: 0.3 };

/** The example's curves: [x, y] at θ, start 0, stop 6π, a = 0, b = 0.3. */
function formula(clockwise: boolean, theta: number): [number, number] {
  const stop = 6 * Math.PI;
  if (clockwise) {
    const z = stop + 1 - theta;
    const r = 0.3 * 50 * (1 / z);
    return [r * Math.cos(z) - 5, r * Math.sin(z)];
  }
  const r = 0.3 * theta;
  return [r * Math.cos(theta) + 5, r * Math.sin(theta)];
}

describe('spirals', () => {
  it('follow the two curves of the example, from some point on', () => {
    const data = spirals(small);
    const grid = Array.from({ length: 200 }, (_, i) => (i * 6 * Math.PI) / 199);
    for (let s = 0; s < data.count; s++) {
      const clockwise = data.clockwise[s]!;
      const [x, y] = [data.clean[s * 40]!, data.clean[s * 40 + 1]!];
      const first = grid.findIndex((theta) => {
        const [fx, fy] = formula(clockwise, theta);
        return Math.hypot(fx - x, fy - y) < 1e-9;
      });
      expect(first).toBeGreaterThanOrEqual(20);
      expect(first).toBeLessThanOrEqual(160);
      for (let i = 0; i < 20; i++) {
        const [fx, fy] = formula(clockwise, grid[first + i]!);
        expect(data.clean[(s * 20 + i) * 2]).toBeCloseTo(fx, 9);
        expect(data.clean[(s * 20 + i) * 2 + 1]).toBeCloseTo(fy, 9);
      }
    }
    expect(data.times).toHaveLength(20);
    expect(data.times[7]).toBeCloseTo(grid[7]!, 12);
  });

  it('are half clockwise, noisy as asked, and seen at as many points as asked', () => {
    const data = spirals({ seed: 1, count: 400, points: 30 });
    expect(data.clockwise.filter(Boolean)).toHaveLength(200);
    let squares = 0;
    for (let s = 0; s < 400; s++) {
      expect(data.mask.subarray(s * 100, (s + 1) * 100).reduce((a, b) => a + b, 0)).toBe(30);
      for (let i = 0; i < 200; i++) {
        squares += (data.noisy[s * 200 + i]! - data.clean[s * 400 + i]!) ** 2;
      }
    }
    expect(Math.sqrt(squares / (400 * 200))).toBeCloseTo(0.3, 2);
    // every time of the grid is kept by about 30 % of them
    const kept = Array.from({ length: 100 }, (_, i) =>
      Array.from({ length: 400 }, (__, s) => data.mask[s * 100 + i]!).reduce((a, b) => a + b, 0),
    );
    expect(Math.min(...kept)).toBeGreaterThan(80);
    expect(Math.max(...kept)).toBeLessThan(165);
  });

  it('are the same for the same seed and others for another', () => {
    expect(spirals(small)).toEqual(spirals(small));
    expect(spirals(small).clean).not.toEqual(spirals({ ...small, seed: 6 }).clean);
  });

  it('start where there is room for what is asked, or refuse', () => {
    expect(spirals({ ...small, beyond: 0 }).clean).toHaveLength(20 * 10 * 2);
    expect(spirals({ ...small, beyond: 0 }).times).toHaveLength(10);
    expect(() => spirals({ seed: 0, points: 200 })).toThrow(/points/);
    expect(() => spirals({ seed: 0, times: 500 })).toThrow(/1000 with those beyond.*room for 800/);
  });
});

describe('spiralBatch', () => {
  it('scales values to size 1 and the observed span to 1', () => {
    const data = spirals({ seed: 2, count: 300, points: 50 });
    const scale = spiralScale(data);
    const all = Array.from({ length: data.count }, (_, i) => i);
    const batch = spiralBatch(data, all, scale);
    expect((batch.times as number[]).at(-1)).toBe(1);
    const values = batch.values.dataSync();
    const mask = batch.mask!.dataSync();
    let [sum, squares, count] = [0, 0, 0];
    values.forEach((value, i) => {
      if (mask[Math.floor(i / 2)] === 0) return;
      sum += value;
      squares += value * value;
      count++;
    });
    expect(sum / count).toBeCloseTo(0, 10);
    expect(squares / count).toBeCloseTo(1, 10);
  });

  it('takes the series asked for, and needs no mask where every point was kept', () => {
    const data = spirals(small);
    const batch = spiralBatch(data, [3, 0]);
    expect(batch.mask).toBeUndefined();
    expect(batch.values.shape).toEqual([2, 10, 2]);
    const values = batch.values.dataSync();
    expect(values.slice(0, 20)).toEqual(data.noisy.slice(3 * 20, 4 * 20));
    expect(values.slice(20)).toEqual(data.noisy.slice(0, 20));
  });
});
