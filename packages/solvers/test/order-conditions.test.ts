/** Every tableau against the order conditions that its order, its error estimate and its interpolant claim. */
import {
  bosh3,
  cashKarp,
  dop853,
  dopri5,
  euler,
  fehlberg45,
  heun,
  heunEuler,
  midpoint,
  ralston,
  rk38,
  rk4,
  type Tableau,
  tsit5,
  vern7,
} from '@neuralode/solvers';
import { describe, expect, it } from 'vitest';
import {
  density,
  elementaryWeights,
  nodes,
  type RootedTree,
  treesOf,
  treesUpTo,
} from './rooted-trees.ts';

const tableaus = [
  euler(),
  midpoint(),
  heun(),
  ralston(),
  rk4(),
  rk38(),
  heunEuler(),
  bosh3(),
  fehlberg45(),
  cashKarp(),
  dopri5(),
  tsit5(),
  vern7(),
  dop853(),
].map(({ tableau }) => tableau);

/** Of the embedded solutions y₁ − E and y₁ − E′ where there are two. */
const embeddedOrders: Readonly<Record<string, readonly number[]>> = { dop853: [5, 3] };

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, i) => sum + value * b[i], 0);

/** bᵢ(θ). */
function weightsAt({ interpolant }: Tableau, theta: number): number[] {
  return interpolant.map((row) =>
    row.reduce((sum, coefficient, power) => sum + coefficient * theta ** (power + 1), 0),
  );
}

/** Rows of a, those of the stages that only the interpolant needs among them. */
function allRows({ a, denseStages }: Tableau): readonly (readonly number[])[] {
  return [...a, ...(denseStages?.a ?? [])];
}

/** What rounding may do to a sum over the interpolant's coefficients. */
function rounding({ interpolant }: Tableau): number {
  const sizes = interpolant.map((row) => row.reduce((sum, each) => sum + Math.abs(each), 0));
  return 1e-14 + Number.EPSILON * Math.max(...sizes);
}

/** How far weights are from meeting the condition of a tree at θ. */
function defect(tableau: Tableau, weights: readonly number[], tree: RootedTree, theta = 1): number {
  const rows = allRows(tableau).slice(0, weights.length);
  return Math.abs(
    dot(weights, elementaryWeights(tree, rows)) - theta ** nodes(tree) / density(tree),
  );
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
    const nodesOfAll = [...c, ...(tableau.denseStages?.c ?? [])];
    const rows = allRows(tableau);
    expect(rows.length).toBe(nodesOfAll.length);
    rows.forEach((row, i) => {
      expect(row.length).toBeLessThanOrEqual(i);
      const sum = row.reduce((total, each) => total + each, 0);
      expect(Math.abs(sum - nodesOfAll[i])).toBeLessThan(1e-14);
    });
  });

  it('meets the order conditions of its order', () => {
    for (const tree of treesUpTo(order)) expect(defect(tableau, b, tree)).toBeLessThan(2e-14);
  });

  it('is of no higher order than it says', () => {
    expect(largestDefect(tableau, b, order + 1)).toBeGreaterThan(1e-5);
  });

  it('has an interpolant of the order that it says, and no higher', () => {
    const { interpolantOrder } = tableau;
    expect(tableau.interpolant.length).toBe(allRows(tableau).length);
    for (const theta of [0.1, 0.25, 0.5, 0.77, 1]) {
      for (const tree of treesUpTo(interpolantOrder)) {
        const error = defect(tableau, weightsAt(tableau, theta), tree, theta);
        expect(error).toBeLessThan(2 * rounding(tableau));
      }
    }
    const beyond = treesOf(interpolantOrder + 1).map((tree) =>
      defect(tableau, weightsAt(tableau, 0.5), tree, 0.5),
    );
    expect(Math.max(...beyond)).toBeGreaterThan(5e-8);
  });

  it('has an interpolant that ends where the step does', () => {
    weightsAt(tableau, 1).forEach((weight, i) => {
      expect(Math.abs(weight - (b[i] ?? 0))).toBeLessThan(rounding(tableau));
    });
  });

  it('keeps its last stage for the next step exactly if it is evaluated at y1', () => {
    const last = c.length - 1;
    const atEnd =
      c[last] === 1 && b[last] === 0 && b.every((each, i) => each === (a[last][i] ?? 0));
    expect(tableau.fsal).toBe(atEnd);
  });
});

const adaptive = tableaus.filter(({ error }) => error !== undefined);

describe.each(adaptive)('$name, embedded', (tableau) => {
  const { error, coarseError, name } = tableau;
  const estimates = [error, coarseError].filter((weights) => weights !== undefined);
  const orders = embeddedOrders[name] ?? [tableau.errorOrder as number];

  it('has error weights that sum to nothing', () => {
    expect(estimates.length).toBe(orders.length);
    for (const weights of estimates) {
      expect(Math.abs(weights.reduce((sum, each) => sum + each, 0))).toBeLessThan(1e-15);
    }
  });

  it('is of the order that it says, and no higher', () => {
    estimates.forEach((weights, i) => {
      const embedded = tableau.b.map((weight, stage) => weight - weights[stage]);
      for (const tree of treesUpTo(orders[i]))
        expect(defect(tableau, embedded, tree)).toBeLessThan(1e-14);
      expect(largestDefect(tableau, embedded, orders[i] + 1)).toBeGreaterThan(1e-5);
    });
  });

  it('says with which power of h the error goes', () => {
    const [fine, coarse = fine] = orders;
    expect(tableau.errorOrder).toBe(2 * fine - coarse);
  });

  it('interpolates with a continuous derivative', () => {
    const last = tableau.c.length - 1;
    const slopeAt = (theta: number): number[] =>
      tableau.interpolant.map((row) =>
        row.reduce((sum, each, i) => sum + (i + 1) * each * theta ** i, 0),
      );
    slopeAt(0).forEach((weight, i) => {
      expect(weight).toBeCloseTo(i === 0 ? 1 : 0, 14);
    });
    slopeAt(1).forEach((weight, i) => {
      expect(Math.abs(weight - (i === last ? 1 : 0))).toBeLessThan(10 * rounding(tableau));
    });
  });
});
