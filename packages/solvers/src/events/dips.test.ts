/** The search for double crossings against functions whose dips are known. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { withDips } from './dips.ts';

const places = [0, 1 / 1024, 1 / 4, 1 / 2, 3 / 4, 1023 / 1024, 1];

/** The looks after the search on `fn`, and how many were further ones. */
function follow(fn: (x: number) => number): { values: readonly number[]; asked: number } {
  const search = withDips(places.map((theta) => ({ theta, value: fn(theta) })));
  let asked = 0;
  let next = search.next();
  while (!next.done) {
    asked++;
    expect(next.value).toBeGreaterThan(0);
    expect(next.value).toBeLessThan(1);
    next = search.next(fn(next.value));
  }
  const thetas = next.value.map(({ theta }) => theta);
  expect(thetas).toEqual([...thetas].sort((a, b) => a - b));
  return { values: next.value.map(({ value }) => value), asked };
}

/** A dip to −depth at `at`, of another curvature on each side. */
const dip =
  (at: number, depth: number, skew: number, sign = 1) =>
  (x: number): number =>
    sign * ((x - at) ** 2 * (1 + skew * (x - at)) - depth);

describe('dips that cross zero', () => {
  it('are found however narrow, anywhere in the step', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.001, max: 0.999, noNaN: true }),
        fc.double({ min: -10, max: -2, noNaN: true }),
        fc.double({ min: -0.8, max: 0.8, noNaN: true }),
        fc.constantFrom(1, -1),
        (at, exponent, skew, sign) => {
          const { values, asked } = follow(dip(at, 10 ** exponent, skew, sign));
          expect(values.some((value) => value * sign < 0)).toBe(true);
          expect(asked).toBeLessThan(16);
        },
      ),
    );
  });

  it('in a kink', () => {
    for (const at of [0.2, 0.4, 0.43, 0.9]) {
      const { values } = follow((x) => Math.abs(x - at) - 0.01);
      expect(values.some((value) => value < 0)).toBe(true);
    }
  });

  it('cost one look where they are parabolas', () => {
    expect(follow(dip(0.4, 1e-9, 0)).asked).toBe(1);
    expect(follow(dip(0.0007, 1e-9, 0)).asked).toBeLessThanOrEqual(1);
  });
});

describe('what stays on its side', () => {
  it('costs nothing far from zero, and a few looks near it', () => {
    expect(follow((x) => 2 - Math.sin(3 * x)).asked).toBe(0);
    expect(follow(() => 1).asked).toBe(0);
    expect(follow((x) => x + 0.1).asked).toBe(0);
    expect(follow(dip(0.4, -0.1, 0.5)).asked).toBeLessThan(3);
    expect(follow(dip(0.4, -1e-4, 0.5)).asked).toBeLessThan(10);
    // what touches zero has no other side
    expect(follow((x) => (x - 0.4) ** 2).asked).toBeLessThanOrEqual(24);
    expect(follow((x) => Math.abs(x - 0.4)).asked).toBeLessThanOrEqual(24);
  });
});
