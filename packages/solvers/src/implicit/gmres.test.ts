/** GMRES on matrices whose solutions, and numbers of products, are known. */
import type { Run } from '@neuralode/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gmres, type LinearMap, solveGmres } from './gmres.ts';
import { factorise, solveLu } from './lu.ts';

/** What a generator that waits for nothing returns. */
function finish<T>(run: Run<T>): T {
  const { done, value } = run.next();
  if (done !== true) throw new Error('it waited for a device');
  return value as T;
}

/** The map of a matrix given row by row, with a count of its uses. */
function counted(rows: readonly (readonly number[])[]): { map: LinearMap; uses: () => number } {
  let uses = 0;
  const map: LinearMap = function* (v) {
    uses++;
    return Float64Array.from(rows, (row) => row.reduce((sum, each, j) => sum + each * v[j], 0));
  };
  return { map, uses: () => uses };
}

const ones = (n: number): Float64Array => new Float64Array(n).fill(1);

const system = fc.integer({ min: 1, max: 12 }).chain((n) =>
  fc.record({
    rows: fc.array(
      fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: n, maxLength: n }),
      {
        minLength: n,
        maxLength: n,
      },
    ),
    b: fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: n, maxLength: n }),
    scale: fc.array(fc.double({ min: 0.1, max: 10, noNaN: true }), {
      minLength: n,
      maxLength: n,
    }),
  }),
);

describe('GMRES', () => {
  it('agrees with LU, in at most as many products as there are unknowns, in any scale', () => {
    fc.assert(
      fc.property(system, ({ rows, b, scale }) => {
        const n = b.length;
        const strong = rows.map((row, i) => row.map((each, j) => (i === j ? each + 2 * n : each)));
        const { map, uses } = counted(strong);
        const side = Float64Array.from(b);
        const units = Float64Array.from(scale);
        const { x } = finish(solveGmres(map, side, units, gmres(), 1e-12));
        const expected = solveLu(factorise(strong.flat(), n), b);
        x.forEach((each, i) => {
          expect(Math.abs(each - expected[i])).toBeLessThan(1e-9);
        });
        expect(uses()).toBeLessThanOrEqual(n);
      }),
    );
  });

  it('needs one product for each distinct eigenvalue (Saad, proposition 6.9)', () => {
    const eigenvalues = [2, 5, 2, -3, 5, 2, -3, 5];
    const rows = eigenvalues.map((each, i) => eigenvalues.map((_, j) => (i === j ? each : 0)));
    const { map, uses } = counted(rows);
    const { x } = finish(solveGmres(map, ones(8), ones(8), gmres(), 1e-12));
    expect(uses()).toBe(3);
    x.forEach((each, i) => {
      expect(each).toBeCloseTo(1 / eigenvalues[i], 12);
    });
  });

  it('goes on from where it stands after a restart', () => {
    const n = 20;
    const rows = Array.from({ length: n }, (_, i) =>
      Array.from({ length: n }, (_, j) => (i === j ? 3 : Math.abs(i - j) === 1 ? -1 : 0)),
    );
    const { map, uses } = counted(rows);
    const { x, residual } = finish(solveGmres(map, ones(n), ones(n), gmres({ restart: 4 }), 1e-11));
    const expected = solveLu(factorise(rows.flat(), n), ones(n));
    x.forEach((each, i) => {
      expect(each).toBeCloseTo(expected[i], 9);
    });
    expect(residual).toBeLessThanOrEqual(1e-11);
    expect(uses()).toBeGreaterThan(8);
  });

  it('stops where nothing is gained, and says what is left', () => {
    // A cyclic shift: the residual stays as it is until the last product of n.
    const n = 10;
    const rows = Array.from({ length: n }, (_, i) =>
      Array.from({ length: n }, (_, j) => ((i + 1) % n === j ? 1 : 0)),
    );
    const side = Float64Array.from({ length: n }, (_, i) => (i === 0 ? 1 : 0));
    const { map, uses } = counted(rows);
    const { residual } = finish(solveGmres(map, side, ones(n), gmres({ restart: 5 }), 1e-10));
    expect(residual).toBeCloseTo(1 / Math.sqrt(n), 12);
    expect(uses()).toBeLessThan(12);
  });

  it('takes no more products than it may', () => {
    const rows = Array.from({ length: 30 }, (_, i) =>
      Array.from({ length: 30 }, (_, j) => (i === j ? i + 1 : 0)),
    );
    const { map, uses } = counted(rows);
    finish(solveGmres(map, ones(30), ones(30), gmres({ maxProducts: 7 }), 1e-10));
    expect(uses()).toBe(7);
  });

  it('does not say that a singular system was solved', () => {
    const { map } = counted([
      [2, 0],
      [0, 0],
    ]);
    const { residual } = finish(solveGmres(map, Float64Array.of(4, 3), ones(2), gmres(), 1e-12));
    // Nothing reaches the second equation.
    expect(residual * Math.SQRT2).toBeGreaterThanOrEqual(3 - 1e-12);
    const none = counted([[0]]);
    const nothing = finish(solveGmres(none.map, ones(1), ones(1), gmres(), 1e-12));
    expect(nothing.residual).toBe(1);
    expect(nothing.x[0]).toBe(0);
  });
});
