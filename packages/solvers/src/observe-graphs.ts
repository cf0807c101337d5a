/**
 * Graphs that interpolate a step at several fractions of it at once: θ is a list, and so is what comes out.
 */
import { clean } from '@neuralode/autodiff';
import {
  type Graph,
  inline,
  matMul,
  record,
  type Spec,
  sizeOf,
  stack,
  type Tensor,
} from '@neuralode/tensor';
import { nestedOf } from './nested-polynomial.ts';
import { combine, taker } from './step-arithmetic.ts';
import type { Problem } from './step-graphs.ts';
import { countInterpolated, type Tableau } from './tableau.ts';

/** By any interpolant: one θ after another. */
export function observeOneByOne(dense: Graph, leaves: number, count: number): Graph {
  const [scalar, ...others] = dense.inputs;
  const thetas: Spec = { shape: [count], dtype: scalar.dtype };
  const recording = record([thetas, ...others], (theta, ...rest) => {
    const states = Array.from({ length: count }, (_, i) => inline(dense, [theta.at(i), ...rest]));
    return Array.from({ length: leaves }, (_, l) => stack(states.map((state) => state[l])));
  });
  return clean(recording.graph);
}

/** θ h, θ h (1 − θ), θ² h (1 − θ), …, side by side: [count, degree]. The powers of nested-polynomial.ts. */
function basis(theta: Tensor, h: Tensor, degree: number): Tensor {
  const left = theta.neg().add(1);
  const columns = [theta.mul(h)];
  while (columns.length < degree) {
    const factor = columns.length % 2 === 1 ? left : theta;
    columns.push((columns.at(-1) as Tensor).mul(factor));
  }
  return stack(columns, 1);
}

/** By a tableau's polynomial: its coefficients once, and one matrix product for all θ. */
export function recordObserve(
  tableau: Tableau,
  { state, scalar }: Pick<Problem, 'state' | 'scalar'>,
  count: number,
): Graph {
  const rows = tableau.interpolant.map(nestedOf);
  const degree = rows[0].length;
  const interpolated = countInterpolated(tableau);
  const thetas: Spec = { shape: [count], dtype: scalar.dtype };
  const stageSpecs = Array.from({ length: interpolated }, () => state).flat();
  const recording = record([thetas, scalar, ...state, ...stageSpecs], (...stand) => {
    const take = taker(stand);
    const [theta, h] = take(2);
    const y = take(state.length);
    const stages = Array.from({ length: interpolated }, () => take(state.length));
    const powers = basis(theta, h, degree);
    return y.map((leaf, l) => {
      const coefficients = Array.from({ length: degree }, (_, depth) =>
        combine(
          rows.map((row) => row[depth]),
          stages,
          l,
        ).reshape([sizeOf(leaf.shape)]),
      );
      const change = matMul(powers, stack(coefficients));
      return change.reshape([count, ...leaf.shape]).add(leaf);
    });
  });
  return clean(recording.graph);
}
