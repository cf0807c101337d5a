/** Every tableau against the order conditions that its order, its error estimate and its interpolant claim. */
import { dopri5, euler, midpoint, rk4, type Tableau } from '@neuralode/solvers';
import { describe, expect, it } from 'vitest';
import {
  density,
  elementaryWeights,
  nodes,
  type RootedTree,
  treesOf,
  treesUpTo,
} from './rooted-trees.ts';

const tableaus = [euler(), midpoint(), rk4(), dopri5()].map(({ tableau }) => tableau);

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, i) => sum + value * b[i], 0);

/** bᵢ(θ). */
function weightsAt({ interpolant }: Tableau, theta: number): number[] {
  return interpolant.map((row) =>
    row.reduce((sum, coefficient, power) => sum + coefficient * theta ** (power + 1), 0),
  );
}

/** How far weights are from meeting the condition of a tree at θ. */
function defect({ a }: Tableau, weights: readonly number[], tree: RootedTree, theta = 1): number {
  return Math.abs(dot(weights, elementaryWeights(tree, a)) - theta ** nodes(tree) / density(tree));
}

function largestDefect(tableau: Tableau, weights: readonly number[], order: number): number {
  return Math.max(...treesOf(order).map((tree) => defect(tableau, weights, tree)));
}

describe('rooted trees', () => {
  it('are as many as there are', () => {
    // OEIS A000081
    expect([1, 2, 3, 4, 5, 6, 7].map((n) => treesOf(n).length)).toEqual([1, 1, 2, 4, 9, 20, 48]);
  });

  it('have the densities of the textbook', () => {
    // Hairer, Nørsett, Wanner I, table II.2.1, order 4
    expect(
      treesOf(4)
        .map(density)
        .sort((a, b) => a - b),
    ).toEqual([4, 8, 12, 24]);
  });
});

describe.each(tableaus)('$name', (tableau) => {
  const { a, b, c, order } = tableau;

  it('has rows that sum to c', () => {
    expect(a.length).toBe(c.length);
    expect(b.length).toBe(c.length);
    a.forEach((row, i) => {
      expect(row.length).toBeLessThanOrEqual(i);
      expect(row.reduce((sum, each) => sum + each, 0)).toBeCloseTo(c[i], 14);
    });
  });

  it('meets the order conditions of its order', () => {
    for (const tree of treesUpTo(order)) expect(defect(tableau, b, tree)).toBeLessThan(1e-14);
  });

  it('is of no higher order than it says', () => {
    expect(largestDefect(tableau, b, order + 1)).toBeGreaterThan(1e-5);
  });

  it('has an interpolant of the order that it says, and no higher', () => {
    const { interpolantOrder } = tableau;
    expect(tableau.interpolant.length).toBe(c.length);
    for (const theta of [0.1, 0.25, 0.5, 0.77, 1]) {
      for (const tree of treesUpTo(interpolantOrder)) {
        expect(defect(tableau, weightsAt(tableau, theta), tree, theta)).toBeLessThan(2e-14);
      }
    }
    const beyond = treesOf(interpolantOrder + 1).map((tree) =>
      defect(tableau, weightsAt(tableau, 0.5), tree, 0.5),
    );
    expect(Math.max(...beyond)).toBeGreaterThan(1e-5);
  });

  it('has an interpolant that ends where the step does', () => {
    weightsAt(tableau, 1).forEach((weight, i) => {
      expect(weight).toBeCloseTo(b[i], 14);
    });
  });

  it('keeps its last stage for the next step exactly if it is evaluated at y1', () => {
    const last = c.length - 1;
    const atEnd =
      c[last] === 1 && b[last] === 0 && b.every((each, i) => each === (a[last][i] ?? 0));
    expect(tableau.fsal).toBe(atEnd);
  });
});

describe.each(tableaus.filter(({ error }) => error !== undefined))('$name, embedded', (tableau) => {
  const error = tableau.error as readonly number[];
  const errorOrder = tableau.errorOrder as number;
  const embedded = tableau.b.map((weight, i) => weight - error[i]);

  it('has error weights that sum to nothing', () => {
    expect(Math.abs(error.reduce((sum, each) => sum + each, 0))).toBeLessThan(1e-16);
  });

  it('is of the order that it says, and no higher', () => {
    for (const tree of treesUpTo(errorOrder))
      expect(defect(tableau, embedded, tree)).toBeLessThan(1e-14);
    expect(largestDefect(tableau, embedded, errorOrder + 1)).toBeGreaterThan(1e-5);
  });
});

it('dopri5 interpolates with a continuous derivative', () => {
  const { tableau } = dopri5();
  const slopeAt = (theta: number): number[] =>
    tableau.interpolant.map((row) =>
      row.reduce((sum, each, i) => sum + (i + 1) * each * theta ** i, 0),
    );
  slopeAt(0).forEach((weight, i) => {
    expect(weight).toBeCloseTo(i === 0 ? 1 : 0, 14);
  });
  slopeAt(1).forEach((weight, i) => {
    expect(weight).toBeCloseTo(i === 6 ? 1 : 0, 13);
  });
});
