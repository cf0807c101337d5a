/**
 * The coefficients of multistep methods: the tables of textbooks where steps are equal, and exactness for polynomials on
 * any grid, which is the order of the formula.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { adamsRows } from './adams-rows.ts';
import { adamsWeights, moultonErrors } from './adams-weights.ts';
import { bdfRows, errorConstants, leading } from './bdf-rows.ts';
import { gaussRule, picardTableau } from './picard.ts';
import { type Nodes, StepGrid } from './step-grid.ts';

const equal = (count: number, from = 0): number[] =>
  Array.from({ length: count }, (_, i) => from - i + 0);

function expectClose(got: readonly number[], expected: readonly number[], digits = 14): void {
  expect(got).toHaveLength(expected.length);
  got.forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i], digits);
  });
}

/** Hairer, Nørsett, Wanner I, section III.1: eqs. (1.5) and (1.9), and their tables 1.1 and 1.2. */
const bashforth = [
  [1],
  [3 / 2, -1 / 2],
  [23 / 12, -16 / 12, 5 / 12],
  [55 / 24, -59 / 24, 37 / 24, -9 / 24],
  [1901 / 720, -2774 / 720, 2616 / 720, -1274 / 720, 251 / 720],
];
const moulton = [
  [1],
  [1 / 2, 1 / 2],
  [5 / 12, 8 / 12, -1 / 12],
  [9 / 24, 19 / 24, -5 / 24, 1 / 24],
  [251 / 720, 646 / 720, -264 / 720, 106 / 720, -19 / 720],
];
const gammaStar = [
  ...[1, -1 / 2, -1 / 12, -1 / 24, -19 / 720, -3 / 160],
  ...[-863 / 60480, -275 / 24192, -33953 / 3628800],
];

/** Σ αⱼ yₙ₊₁₋ⱼ = h f: section III.1, eq. (1.22'). */
const backward = [
  [1, -1],
  [3 / 2, -2, 1 / 2],
  [11 / 6, -3, 3 / 2, -1 / 3],
  [25 / 12, -4, 3, -4 / 3, 1 / 4],
  [137 / 60, -5, 5, -10 / 3, 5 / 4, -1 / 5],
];

describe('on equal steps', () => {
  it('weighs slopes as Adams and Bashforth do', () => {
    bashforth.forEach((row, i) => {
      expectClose(adamsWeights(equal(i + 1)), row);
    });
  });

  it('weighs slopes as Adams and Moulton do', () => {
    moulton.forEach((row, i) => {
      expectClose(adamsWeights(equal(i + 1, 1)), row);
    });
  });

  it('knows the errors of the Adams-Moulton methods', () => {
    expectClose(moultonErrors.slice(0, gammaStar.length), gammaStar, 15);
  });

  it('differentiates backward as Gear does, but for the share of κ', () => {
    // Shampine, Reichelt, table 1: κ, and the part of the error that it leaves
    const kappa = [-0.185, -1 / 9, -0.0823, -0.0415, 0];
    backward.forEach((row, i) => {
      const order = i + 1;
      const at = equal(order + 1);
      const { predict, slope } = bdfRows(order, false, { places: at.map((x) => -x), at }, order);
      // γ d + h P′ as a row: of y₁, then of y, …
      const end = leading[order];
      const whole = [end, ...at.map((_, j) => end * (slope[j] - predict[j]))];
      const difference = [...row.map(() => 0), 0].map((_, j) => (-1) ** j * binomial(order + 1, j));
      const share = kappa[i] * row[0];
      expectClose(
        whole,
        [...row, 0].map((each, j) => each - share * difference[j]),
        12,
      );
      expect(errorConstants[order]).toBeCloseTo(share + 1 / (order + 1), 15);
    });
  });
});

function binomial(n: number, k: number): number {
  return k === 0 ? 1 : (binomial(n, k - 1) * (n - k + 1)) / k;
}

/** Times of earlier steps, in units of the next one: gaps of a quarter of it to four of it. */
const grids = (most: number) =>
  fc.record({
    order: fc.integer({ min: 1, max: most }),
    gaps: fc.array(fc.double({ min: 0.25, max: 4, noNaN: true }), {
      minLength: most + 2,
      maxLength: most + 2,
    }),
  });

function nodesOf(gaps: readonly number[], count: number): Nodes {
  const at = [0];
  for (let i = 1; i < count; i++) at.push(at[i - 1] - gaps[i]);
  return { places: at.map((_, i) => i), at };
}

const dot = (row: readonly number[], values: readonly number[]): number =>
  row.reduce((sum, each, i) => sum + each * values[i], 0);

const size = (row: readonly number[], values: readonly number[]): number =>
  1 + row.reduce((sum, each, i) => sum + Math.abs(each * values[i]), 0);

describe('on any grid', () => {
  it('integrates slopes that are polynomials, and so does the dense output', () => {
    fc.assert(
      fc.property(
        grids(8),
        fc.double({ min: 0.05, max: 1, noNaN: true }),
        ({ order, gaps }, theta) => {
          const nodes = nodesOf(gaps, order + 1);
          const { predict, correct = [], dense, errors } = adamsRows(order, true, nodes, order + 1);
          for (let power = 0; power <= order; power++) {
            const slopes = [...nodes.at.map((x) => x ** power), 1, 1];
            const integral = 1 / (power + 1);
            if (power < order) {
              expect(
                Math.abs(dot(predict, slopes) - integral) / size(predict, slopes),
              ).toBeLessThan(1e-12);
            }
            expect(Math.abs(dot(correct, slopes) - integral) / size(correct, slopes)).toBeLessThan(
              1e-12,
            );
            const inside = dense.reduce(
              (sum, row, j) => sum + dot(row, slopes) * theta ** (j + 1),
              0,
            );
            const scale = dense.reduce((sum, row) => sum + size(row, slopes), 0);
            expect(Math.abs(inside - theta ** (power + 1) * integral) / scale).toBeLessThan(1e-12);
            // The correctors of two orders agree where both are exact; so do neighbours' estimates.
            const [own, below] = errors;
            if (power < order) {
              expect(Math.abs(dot(own, slopes)) / size(own, slopes)).toBeLessThan(1e-12);
            }
            if (order > 1 && power < order - 1) {
              expect(Math.abs(dot(below, slopes)) / size(below, slopes)).toBeLessThan(1e-12);
            }
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('differentiates polynomials, and interpolates them', () => {
    fc.assert(
      fc.property(
        grids(5),
        fc.double({ min: 0.05, max: 1, noNaN: true }),
        ({ order, gaps }, theta) => {
          const nodes = nodesOf(gaps, order + 2);
          const { predict, slope, dense, errors } = bdfRows(order, true, nodes, order + 1);
          for (let power = 0; power <= order; power++) {
            const values = [...nodes.at.map((x) => x ** power), 1];
            // y₁ = P + d with γ d + h P′ = h f: d = 0, P = 1, h P′ = power.
            expect(Math.abs(dot(predict, values) - 1) / size(predict, values)).toBeLessThan(1e-12);
            const derivative = dot(slope, values) * leading[order];
            expect(Math.abs(derivative - power) / size(slope, values)).toBeLessThan(1e-11);
            const inside = dense.reduce(
              (sum, row, j) => sum + dot(row, values) * theta ** (j + 1),
              0,
            );
            const scale = dense.reduce((sum, row) => sum + size(row, values), 0);
            const expected = theta ** power - (power === 0 ? 1 : 0);
            expect(Math.abs(inside - expected) / scale).toBeLessThan(1e-12);
            const [own] = errors;
            expect(Math.abs(dot(own, values)) / size(own, values)).toBeLessThan(1e-12);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('what methods begin with', () => {
  it.each([1, 2, 5, 10])("Gauss's rule of %d nodes is exact to degree 2n − 1", (count) => {
    const { nodes, weights } = gaussRule(count);
    for (let power = 0; power < 2 * count; power++) {
      const values = nodes.map((node) => node ** power);
      expect(dot(weights, values)).toBeCloseTo(1 / (power + 1), 14);
    }
  });

  it.each(Array.from({ length: 12 }, (_, i) => i + 1))(
    'order %d: a polynomial in h λ as far as that',
    (order) => {
      const { a, b, c } = picardTableau(order);
      // R(z) = 1 + z bᵀ1 + z² bᵀA1 + …, against the exponential's coefficients
      let stages = c.map(() => 1);
      let factorial = 1;
      for (let power = 1; power <= order; power++) {
        factorial *= power;
        expect(dot(b, stages)).toBeCloseTo(1 / factorial, 13);
        const before = stages;
        stages = a.map((row) => dot(row, before));
      }
      for (let power = 0; power < order; power++) {
        expect(
          dot(
            b,
            c.map((node) => node ** power),
          ),
        ).toBeCloseTo(1 / (power + 1), 13);
      }
    },
  );
});

describe('the grid of earlier steps', () => {
  it('takes steps for equal that only rounding tells apart', () => {
    const grid = new StepGrid(4, 0.02);
    grid.begin(0.1);
    grid.advance(0.1);
    grid.advance(0.1);
    expect(grid.nodes(0.1, 3).at).toEqual([0, -1, -2]);
  });

  it('passes over a time that lies too near to the next', () => {
    const grid = new StepGrid(5, 0.02);
    grid.begin(0);
    for (const h of [1, 1, 1e-3]) grid.advance(h);
    const { places, at } = grid.nodes(1, 3);
    expect(places).toEqual([0, 2, 3]);
    expectClose(at, [0, -1.001, -2.001]);
  });

  it('runs backward as it runs forward', () => {
    const grid = new StepGrid(4, 0.02);
    grid.begin(1);
    for (const h of [-0.5, -0.25]) grid.advance(h);
    expect(grid.nodes(-0.25, 3).at).toEqual([0, -1, -3]);
  });
});
