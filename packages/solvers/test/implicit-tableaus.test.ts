/**
 * The implicit tableaus against the order conditions that they claim, and their stability functions against the
 * stability that they claim.
 */
import {
  backwardEuler,
  gaussLegendre4,
  gaussLegendre6,
  implicitMidpoint,
  kvaerno3,
  kvaerno4,
  kvaerno5,
  radau3,
  radau5,
  rodas4,
  type RosenbrockScheme,
  type Tableau,
  trapezoid,
} from '@neuralode/solvers';
import { describe, expect, it } from 'vitest';
import { type Complex, complex, stabilityAt } from './stability.ts';
import { density, nodes, type RootedTree, treesOf, treesUpTo } from './rooted-trees.ts';

type Matrix = readonly (readonly number[])[];

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);

const square = (rows: Matrix): number[][] => rows.map((row) => rows.map((_, j) => row[j] ?? 0));

/** L⁻¹ of a lower triangular matrix. */
function inverseOfLower(lower: Matrix): number[][] {
  const size = lower.length;
  const inverse = Array.from({ length: size }, () => new Array<number>(size).fill(0));
  for (let column = 0; column < size; column++) {
    for (let i = column; i < size; i++) {
      let sum = i === column ? 1 : 0;
      for (let j = column; j < i; j++) sum -= lower[i][j] * inverse[j][column];
      inverse[i][column] = sum / lower[i][i];
    }
  }
  return inverse;
}

const product = (a: Matrix, b: Matrix): number[][] =>
  a.map((row) => b[0].map((_, j) => row.reduce((sum, each, i) => sum + each * b[i][j], 0)));

/** A method as the order conditions see it: `beta` where a node of a tree has one child, `alpha` where it has more. */
interface Conditions {
  readonly alpha: Matrix;
  readonly beta: Matrix;
  /** From weights of the stages to weights of the conditions. */
  weigh(weights: readonly number[]): number[];
}

/**
 * A Rosenbrock method's stages are k = Γ k̂, with Γ⁻¹ = I/γ − coupling and k̂ the stages of its definition, whose
 * conditions are those of Hairer, Wanner II, section IV.7, "Order conditions": αᵢⱼ and βᵢⱼ = αᵢⱼ + γᵢⱼ.
 */
function conditionsOf({ a, implicit }: Tableau): Conditions {
  const rows = square(a);
  if (implicit?.kind !== 'rosenbrock') {
    return { alpha: rows, beta: rows, weigh: (weights) => [...weights] };
  }
  const { gamma, coupling } = implicit as RosenbrockScheme;
  const inverse = square(coupling).map((row, i) =>
    row.map((each, j) => (i === j ? 1 / gamma : -each)),
  );
  const gammas = inverseOfLower(inverse);
  const alpha = product(rows, gammas);
  const beta = alpha.map((row, i) => row.map((each, j) => each + gammas[i][j]));
  return { alpha, beta, weigh: (weights) => product([weights], gammas)[0] };
}

function elementary(tree: RootedTree, { alpha, beta }: Conditions): number[] {
  const children = tree.map((child) => elementary(child, { alpha, beta } as Conditions));
  const matrix = tree.length === 1 ? beta : alpha;
  return matrix.map((row) => children.reduce((total, weights) => total * dot(row, weights), 1));
}

function defect(
  conditions: Conditions,
  weights: readonly number[],
  tree: RootedTree,
  theta = 1,
): number {
  const got = dot(conditions.weigh(weights), elementary(tree, conditions));
  return Math.abs(got - theta ** nodes(tree) / density(tree));
}

function weightsAt({ interpolant }: Tableau, theta: number): number[] {
  return interpolant.map((row) =>
    row.reduce((sum, coefficient, power) => sum + coefficient * theta ** (power + 1), 0),
  );
}

const worst = (conditions: Conditions, weights: readonly number[], order: number): number =>
  Math.max(...treesOf(order).map((tree) => defect(conditions, weights, tree)));

const methods = [
  { solver: backwardEuler(), atInfinity: 0 },
  { solver: implicitMidpoint(), atInfinity: 1 },
  { solver: trapezoid(), atInfinity: 1 },
  { solver: gaussLegendre4(), atInfinity: 1 },
  { solver: gaussLegendre6(), atInfinity: 1 },
  { solver: radau3(), atInfinity: 0 },
  { solver: radau5(), atInfinity: 0 },
  { solver: kvaerno3(), atInfinity: 0 },
  { solver: kvaerno4(), atInfinity: 0 },
  { solver: kvaerno5(), atInfinity: 0 },
  { solver: rodas4(), atInfinity: 0 },
].map(({ solver, atInfinity }) => ({
  tableau: solver.tableau,
  name: solver.tableau.name,
  atInfinity,
}));

/** Kværnø's 5(4) and RODAS are published to some 14 to 16 digits. */
const within = 1e-13;

describe.each(methods)('$name', ({ tableau, atInfinity }) => {
  const { a, b, c, order } = tableau;
  const conditions = conditionsOf(tableau);

  it('has rows that sum to c', () => {
    expect(a.length).toBe(c.length);
    expect(b.length).toBe(c.length);
    conditions.alpha.forEach((row, i) => {
      expect(
        dot(
          row,
          row.map(() => 1),
        ),
      ).toBeCloseTo(c[i], 13);
    });
  });

  it('meets the order conditions of its order, and no more', () => {
    for (const tree of treesUpTo(order)) expect(defect(conditions, b, tree)).toBeLessThan(within);
    expect(worst(conditions, b, order + 1)).toBeGreaterThan(1e-5);
  });

  it('has an interpolant of the order that it says, that ends where the step does', () => {
    expect(tableau.interpolant.length).toBe(c.length);
    for (const theta of [0.1, 0.25, 0.5, 0.77, 1]) {
      for (const tree of treesUpTo(tableau.interpolantOrder)) {
        expect(defect(conditions, weightsAt(tableau, theta), tree, theta)).toBeLessThan(within);
      }
    }
    const beyond = treesOf(tableau.interpolantOrder + 1).map((tree) =>
      defect(conditions, weightsAt(tableau, 0.37), tree, 0.37),
    );
    expect(Math.max(...beyond)).toBeGreaterThan(1e-5);
    weightsAt(tableau, 1).forEach((weight, i) => {
      expect(weight).toBeCloseTo(b[i], 13);
    });
  });

  it('keeps its last stage for the next step exactly if that is the first stage of the next', () => {
    const last = a[c.length - 1];
    const stiffly = c.at(-1) === 1 && b.every((each, i) => each === (last[i] ?? 0));
    expect(tableau.fsal).toBe(stiffly && c[0] === 0);
  });

  const size = (z: Complex): number => Math.hypot(...stabilityAt(tableau, z));

  it('approximates exp(z) to its order', () => {
    const error = (z: number): number =>
      Math.abs(stabilityAt(tableau, complex(z))[0] - Math.exp(z));
    const measured = Math.log2(error(0.2) / error(0.1));
    expect(measured).toBeGreaterThan(order + 1 - 0.3);
  });

  it('is A-stable', () => {
    for (let exponent = -3; exponent <= 6; exponent += 0.05) {
      expect(size([0, 10 ** exponent])).toBeLessThan(1 + 1e-9);
      expect(size([-(10 ** exponent), 0])).toBeLessThan(1);
      expect(size([-(10 ** exponent), 10 ** exponent])).toBeLessThan(1);
    }
  });

  it(atInfinity === 0 ? 'is L-stable' : 'does not damp what is infinitely stiff', () => {
    expect(size([-1e9, 0])).toBeCloseTo(atInfinity, 5);
  });
});

describe.each(methods.filter(({ tableau }) => tableau.error !== undefined))(
  '$name, embedded',
  ({ tableau }) => {
    const { implicit } = tableau;
    const startWeight = (implicit?.kind === 'coupled' && implicit.startWeight) || 0;
    const error = tableau.error as readonly number[];
    const errorOrder = tableau.errorOrder as number;
    // Radau's embedded method has f(t, y) for a stage before the others.
    const extended: Tableau =
      startWeight === 0
        ? tableau
        : {
            ...tableau,
            a: [[0], ...square(tableau.a).map((row) => [0, ...row])],
            b: [0, ...tableau.b],
          };
    const weights =
      startWeight === 0
        ? tableau.b.map((each, i) => each - error[i])
        : [startWeight, ...tableau.b.map((each, i) => each + error[i])];
    const conditions = conditionsOf(extended);

    it('is of the order that it says, and no higher', () => {
      for (const tree of treesUpTo(errorOrder)) {
        expect(defect(conditions, weights, tree)).toBeLessThan(within);
      }
      expect(worst(conditions, weights, errorOrder + 1)).toBeGreaterThan(1e-5);
    });
  },
);

it("radau5 estimates its error by the weights of Hairer's code", () => {
  const { error, a, implicit } = radau5().tableau;
  const startWeight = (implicit as { startWeight: number }).startWeight;
  const root6 = Math.sqrt(6);
  // γ₀/3 (−13 − 7√6, −13 + 7√6, −1) on z = h A k.
  const onZ = [-13 - 7 * root6, -13 + 7 * root6, -1].map((each) => (each * startWeight) / 3);
  product([onZ], a)[0].forEach((weight, i) => {
    expect(weight).toBeCloseTo((error as number[])[i], 13);
  });
});
