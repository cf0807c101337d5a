import { describe, expect, it } from 'vitest';
import { dop853 } from './methods/dop853.ts';
import { vern7 } from './methods/vern7.ts';
import { nestedOf, powersOf } from './nested-polynomial.ts';

const nestedAt = (values: readonly number[], theta: number): number =>
  theta * values.reduceRight((sum, value, i) => sum * (i % 2 === 0 ? 1 - theta : theta) + value, 0);

const powersAt = (values: readonly number[], theta: number): number =>
  theta * values.reduceRight((sum, value) => sum * theta + value, 0);

describe('nested polynomials', () => {
  it('in powers', () => {
    expect(powersOf([1])).toEqual([1]);
    // θ(2 + (1 − θ)(3 + θ 5))
    expect(powersOf([2, 3, 5])).toEqual([5, 2, -5]);
  });

  it('are the same polynomials in either form', () => {
    for (const { tableau } of [dop853(), vern7()]) {
      for (const row of tableau.interpolant) {
        const size = row.reduce((sum, each) => sum + Math.abs(each), 0);
        for (const theta of [0, 0.1, 0.5, 0.9, 1]) {
          const difference = nestedAt(nestedOf(row), theta) - powersAt(row, theta);
          expect(Math.abs(difference)).toBeLessThanOrEqual(4e-16 * size);
        }
      }
    }
  });

  it('come back from powers', () => {
    const values = [0.5, -2, 3, 7, -11, 13, 17];
    nestedOf(powersOf(values)).forEach((value, i) => {
      expect(value).toBeCloseTo(values[i], 12);
    });
    expect(nestedOf([0, 0, 0])).toEqual([0, 0, 0]);
  });

  it('leave no rounding where there is nothing', () => {
    // weights of stages that only the interpolant needs vanish at the end of the step
    for (const row of vern7().tableau.interpolant.slice(11)) {
      expect(row.reduce((sum, each) => sum + each, 0)).not.toBe(0);
      expect(nestedOf(row)[0]).toBe(0);
    }
  });

  it('lose little where all is rounded to float32', () => {
    const { a, c, denseStages, interpolant } = vern7().tableau;
    const rows = [...a, ...(denseStages?.a ?? [])];
    const combine = (weights: readonly number[], k: readonly number[]): number =>
      weights.reduce(
        (sum, w, i) => Math.fround(sum + Math.fround(Math.fround(w) * (k[i] ?? 0))),
        0,
      );
    // one step of length 1 of y' = −y
    const k: number[] = [];
    for (const row of rows) k.push(-Math.fround(1 + combine(row, k)));
    expect(k.length).toBe(c.length + 5);
    const nested = interpolant.map(nestedOf);
    for (let theta = 1 / 32; theta <= 1; theta += 1 / 32) {
      const slope = nested[0].reduceRight((sum, _, depth) => {
        const factor = depth % 2 === 0 ? 1 - theta : theta;
        const value = combine(
          nested.map((row) => row[depth]),
          k,
        );
        return Math.fround(Math.fround(sum * factor) + value);
      }, 0);
      expect(Math.abs(1 + slope * theta - Math.exp(-theta))).toBeLessThan(2e-6);
    }
  });
});
