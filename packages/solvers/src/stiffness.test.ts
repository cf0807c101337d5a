/** Measures of stiffness against eigenvalues, and stability intervals against those of the book. */
import { reference } from '@neuralode/backend-reference';
import { evaluate, setBackend, tensor } from '@neuralode/tensor';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { bosh3 } from './methods/bosh3.ts';
import { dopri5 } from './methods/dopri5.ts';
import { euler } from './methods/euler.ts';
import { midpoint } from './methods/midpoint.ts';
import { rk4 } from './methods/rk4.ts';
import { tsit5 } from './methods/tsit5.ts';
import { measuresStiffness, spectralBound, stabilityInterval } from './stiffness.ts';

beforeAll(async () => {
  await setBackend(reference());
});

describe('stability intervals', () => {
  // Of 1 + z, 1 + z + z²/2 and so on: 2, 2, 2.5127… and 2.7852…; of DOPRI5 3.3 (Hairer, Wanner II, figures IV.2.1 and 2.2).
  it.each([
    ['euler', euler(), 2],
    ['midpoint', midpoint(), 2],
    ['bosh3', bosh3(), 2.5127453266],
    ['rk4', rk4(), 2.7852935634],
  ])('of %s', (_, { tableau }, expected) => {
    expect(stabilityInterval(tableau)).toBeCloseTo(expected, 9);
  });

  it('of dopri5', () => {
    expect(stabilityInterval(dopri5().tableau)).toBeCloseTo(3.3, 1);
  });
});

it('knows which methods can tell', () => {
  expect([tsit5(), dopri5()].map(({ tableau }) => measuresStiffness(tableau))).toEqual([
    true,
    true,
  ]);
  expect([bosh3(), rk4()].map(({ tableau }) => measuresStiffness(tableau))).toEqual([false, false]);
});

describe('the spectral bound', () => {
  const bound = (rows: number[][]): number =>
    evaluate.sync(() => spectralBound(tensor(rows))).itemSync();
  const number = fc.integer({ min: -10_000, max: 10_000 });

  it('is never below the spectral radius, and not far above that of 2 × 2 matrices', () => {
    fc.assert(
      fc.property(number, number, fc.double({ min: -3, max: 3, noNaN: true }), (a, b, mixing) => {
        // Eigenvalues a and b, by a shear of the diagonal matrix.
        const rows = [
          [a, mixing * (b - a)],
          [0, b],
        ];
        const radius = Math.max(Math.abs(a), Math.abs(b));
        const got = bound(rows);
        expect(got).toBeGreaterThanOrEqual(radius * (1 - 1e-12));
        // ‖P‖ ‖P⁻¹‖ of the shear is at most 16: its fourth root, 2.
        expect(got).toBeLessThanOrEqual(2 * radius + 1e-20);
      }),
    );
  });

  it('sees complex eigenvalues', () => {
    const got = bound([
      [-3, 4],
      [-4, -3],
    ]);
    expect(got).toBeGreaterThanOrEqual(5);
    expect(got).toBeLessThan(5 * 2 ** (1 / 8) + 1e-12);
  });

  it('is zero of a field without a Jacobian', () => {
    expect(
      bound([
        [0, 0],
        [0, 0],
      ]),
    ).toBeLessThan(1e-20);
  });
});
