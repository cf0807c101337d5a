/**
 * The coefficients of a step of `bdf()`, row by row.
 */
import { lagrangeWeights } from '../implicit/lagrange.ts';
import { lagrangeBasis } from '../methods/lagrange-basis.ts';
import { equalStepRatio } from './adams-weights.ts';
import type { BdfRows } from './bdf-step.ts';
import { placed, transposed } from './placed-rows.ts';
import type { Nodes } from './step-grid.ts';

/** κ of orders 0 to 5 (Shampine, Reichelt, table 1). */
const kappa = [0, -0.185, -1 / 9, -0.0823, -0.0415, 0] as const;

/** (1 − κ) Σ 1/j: what the end of the step weighs in its derivative, times h. */
export const leading = kappa.map((each, order) => (1 - each) * harmonic(order));

/** Of the formula of order k on equal steps, the error is this times ∇ᵏ⁺¹y. */
export const errorConstants = [...kappa, 0].map(
  (each, order) => each * harmonic(order) + 1 / (order + 1),
);

function harmonic(n: number): number {
  return Array.from({ length: n }, (_, i) => 1 / (i + 1)).reduce((sum, each) => sum + each, 0);
}

/** Of y₁ − P with P through these nodes, in the error of the step. */
function errorFactor(order: number, nodes: readonly number[]): number {
  const spread = nodes.reduce((sum, node) => sum + 1 / (1 - node), 0);
  // Where the steps vary the error may vanish for a moment; it is not to be believed that small.
  return Math.max(Math.abs(spread - leading[order]), sizeOnEqualSteps(order, nodes));
}

function sizeOnEqualSteps(order: number, nodes: readonly number[]): number {
  return errorConstants[order] * equalStepRatio(nodes.slice(0, order + 1));
}

/** factor · (y₁ − P), with P of this degree. */
function errorRow(order: number, factor: number, nodes: Nodes, given: number): number[] {
  const weights = lagrangeWeights(nodes.at.slice(0, order + 1), 1);
  return placed(
    nodes,
    given + 1,
    weights.map((each) => -factor * each),
    [factor],
  );
}

/**
 * Of a step of order k = `order`, from the values at `nodes` (y first). The errors: of the step itself, then, as they would be
 * on equal steps, of the orders k − 1 (if k > 1) and k + 1 (if it `raises`, with one node more).
 */
export function bdfRows(order: number, raises: boolean, nodes: Nodes, given: number): BdfRows {
  const known = nodes.at.slice(0, order + 1);
  const slopes = lagrangeBasis(known).map((row) =>
    row.reduce((sum, each, power) => sum + power * each, 0),
  );
  const error = (j: number): number[] => errorRow(j, sizeOnEqualSteps(j, nodes.at), nodes, given);
  const passing = lagrangeBasis([1, ...known.slice(0, -1)]);
  return {
    predict: placed(nodes, given + 1, lagrangeWeights(known, 1), [0]),
    slope: placed(
      nodes,
      given + 1,
      slopes.map((each) => each / leading[order]),
      [0],
    ),
    errors: [
      errorRow(order, errorFactor(order, known), nodes, given),
      ...(order > 1 ? [error(order - 1)] : []),
      ...(raises ? [error(order + 1)] : []),
    ],
    dense: transposed(passing.map((row) => row.slice(1))).map(([end, ...old]) =>
      placed(nodes, given + 1, old, [end]),
    ),
  };
}

/** From y and f: P = y + θ h f. Its y₁ − P is half of what it is on equal steps. */
export const firstRows: BdfRows = {
  predict: [1, 1, 0],
  slope: [0, 1 / leading[1], 0],
  errors: [[-1, -1, 1].map((each) => each * (2 - leading[1]))],
  dense: [[-1, 0, 1]],
};

/** How much larger its error would be on equal steps. */
export const firstEqualisation = (2 * errorConstants[1]) / (2 - leading[1]);

/** How much larger the error of this order would be on equal steps than on these. */
export function bdfEqualisation(order: number, nodes: readonly number[]): number {
  return sizeOnEqualSteps(order, nodes) / errorFactor(order, nodes);
}
