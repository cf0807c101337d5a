/**
 * The dense output of a multistep step: y + Σⱼ cⱼ θʲ. What is interpolated depends on the lengths of earlier steps, and so
 * on coefficients of the course; the cⱼ are made by the `extend` of its kind, without an evaluation.
 */
import { clean } from '@neuralode/autodiff';
import { type Graph, record, type Tensor } from '@neuralode/tensor';
import { taker } from '../step-arithmetic.ts';
import type { Problem } from '../step-graphs.ts';
import { combineRows, matrixAt, rowOf } from './weighted-rows.ts';

export interface PolynomialShape {
  /** Groups that the step is given, and makes. */
  readonly given: number;
  readonly fresh: number;
  readonly degree: number;
  /** All coefficients of the kind; the last `degree` rows of them make the polynomial. */
  readonly coefficients: number;
  /** What the rows weigh, of leaf l: values, or slopes, which are then multiplied by h. */
  weighed(y: Tensor, given: readonly Tensor[], fresh: readonly Tensor[]): readonly Tensor[];
  readonly slopes: boolean;
}

/** See `KindGraphs.extend`. */
export function recordPolynomial(shape: PolynomialShape, { state, args, scalar }: Problem): Graph {
  const { given, fresh, degree, coefficients, slopes } = shape;
  const vector = { shape: [coefficients], dtype: scalar.dtype };
  const groups = (count: number) => Array.from({ length: count }, () => state).flat();
  const specs = [scalar, scalar, vector, ...state, ...groups(given), ...groups(fresh), ...args];
  const recording = record(specs, (...stand) => {
    const take = taker(stand);
    const [, h, numbers] = take(3);
    const leaves = state.length;
    const [y, old, made] = [take(leaves), take(given * leaves), take(fresh * leaves)];
    const ofLeaf = (list: readonly Tensor[], l: number) => list.filter((_, i) => i % leaves === l);
    const rows = y.map((leaf, l) => {
      const values = shape.weighed(leaf, ofLeaf(old, l), ofLeaf(made, l));
      const columns = values.length;
      const weights = matrixAt(numbers, coefficients - degree * columns, degree, columns);
      const product = combineRows(weights, values);
      return slopes ? product.mul(h) : product;
    });
    return Array.from({ length: degree }, (_, j) =>
      y.map((leaf, l) => rowOf(rows[l], j, leaf)),
    ).flat();
  });
  return clean(recording.graph);
}

/** See `KindGraphs.dense`. */
export function recordPolynomialValue(
  { given, fresh, degree }: Pick<PolynomialShape, 'given' | 'fresh' | 'degree'>,
  { state, scalar }: Problem,
): Graph {
  const groups = Array.from({ length: given + fresh + degree }, () => state).flat();
  const recording = record([scalar, scalar, ...state, ...groups], (theta, _h, ...stand) => {
    const take = taker(stand);
    const y = take(state.length);
    take((given + fresh) * state.length);
    const terms = Array.from({ length: degree }, () => take(state.length));
    return y.map((leaf, l) => {
      const sum = terms.reduceRight<Tensor | undefined>(
        (rest, term) => (rest === undefined ? term[l] : rest.mul(theta).add(term[l])),
        undefined,
      ) as Tensor;
      return leaf.add(sum.mul(theta));
    });
  });
  return clean(recording.graph);
}
