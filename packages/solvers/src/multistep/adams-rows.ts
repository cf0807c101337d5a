/**
 * The coefficients of a step of `adams()`, row by row.
 */
import { collocationInterpolant } from '../methods/collocation.ts';
import type { AdamsRows } from './adams-step.ts';
import { adamsWeights, differenceWeights, equalStepRatio, moultonErrors } from './adams-weights.ts';
import { placed, transposed } from './placed-rows.ts';
import type { Nodes } from './step-grid.ts';

/** |γ*ⱼ| ∇ʲf, as it would be on equal steps, from the first j nodes; the slope at the end counts `where` it stands. */
function errorRow(j: number, nodes: Nodes, given: number, where: 'predicted' | 'final'): number[] {
  const at = nodes.at.slice(0, j);
  const size = Math.abs(moultonErrors[j]) * equalStepRatio(at);
  const { old } = differenceWeights(at);
  const weights = old.map((each) => each * size);
  return placed(nodes, given, weights, where === 'predicted' ? [size, 0] : [0, size]);
}

/**
 * Of a step of order k = `order`, from the slopes at `nodes`. The errors: of the step itself, then, as they would be on
 * equal steps, of the orders k − 1 (if k > 1), k − 2 (if k > 2) and k + 1 (if it `raises`, with one node more).
 */
export function adamsRows(order: number, raises: boolean, nodes: Nodes, given: number): AdamsRows {
  const known = nodes.at.slice(0, order);
  const corrector = [1, ...known];
  const row = ([end, ...old]: readonly number[]) => placed(nodes, given, old, [end, 0]);
  const correct = adamsWeights(corrector);
  const lower = [...adamsWeights(corrector.slice(0, -1)), 0];
  return {
    predict: placed(nodes, given, adamsWeights(known), [0, 0]),
    correct: row(correct),
    errors: [
      row(correct.map((weight, i) => weight - lower[i])),
      ...(order > 1 ? [errorRow(order - 1, nodes, given, 'predicted')] : []),
      ...(order > 2 ? [errorRow(order - 2, nodes, given, 'predicted')] : []),
      ...(raises ? [errorRow(order + 1, nodes, given, 'final')] : []),
    ],
    dense: transposed(collocationInterpolant(corrector)).map(row),
  };
}

/** How much larger the error at the order of so many nodes would be on equal steps than on these. */
export function equalisation(nodes: readonly number[]): number {
  const own = adamsWeights([1, ...nodes])[0] - adamsWeights([1, ...nodes.slice(0, -1)])[0];
  return Math.abs((moultonErrors[nodes.length] * equalStepRatio(nodes)) / own);
}
