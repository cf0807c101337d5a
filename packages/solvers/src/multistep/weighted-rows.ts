/**
 * Combinations whose weights are inputs of the graph: the rows of a small matrix times the groups that a step is given.
 */
import { sizeOf, stack, type Tensor } from '@neuralode/tensor';
import type { AdaptiveControl } from '../control.ts';
import { nanUnlessFinite, scaledNorm, tolerance } from '../step-arithmetic.ts';

/** Row i of the result is Σⱼ weights[i, j] values[j], flat: [rows, size]. */
export function combineRows(weights: Tensor, values: readonly Tensor[]): Tensor {
  const size = sizeOf(values[0].shape);
  return weights.matMul(stack([...values]).reshape([values.length, size]));
}

/** Row i of what `combineRows` gives, shaped like `leaf`. */
export function rowOf(rows: Tensor, i: number, leaf: Tensor): Tensor {
  return rows.slice([i, 0], [1, sizeOf(leaf.shape)]).reshape(leaf.shape);
}

/** Entry [i, j], as a scalar. */
export function entryOf(weights: Tensor, i: number, j: number): Tensor {
  return weights.slice([i, j], [1, 1]).reshape([]);
}

/** A matrix [rows, columns] that begins at `from` in a list of numbers. */
export function matrixAt(numbers: Tensor, from: number, rows: number, columns: number): Tensor {
  return numbers.slice([from], [rows * columns]).reshape([rows, columns]);
}

/** What a step's errors are measured in, of each leaf, and their sizes: one number for each row of estimates, as a list. */
export function sizesOfRows(
  rows: readonly Tensor[],
  ends: { readonly y: readonly Tensor[]; readonly y1: readonly Tensor[] },
  count: number,
  control: AdaptiveControl,
  steered: readonly boolean[],
): Tensor {
  const { y, y1 } = ends;
  const scales = y.map((leaf, l) => tolerance(control, leaf.abs().maximum(y1[l].abs())));
  const sizes = Array.from({ length: count }, (_, i) => {
    const errors = y.map((leaf, l) => rowOf(rows[l], i, leaf));
    return scaledNorm(errors, scales, steered, control);
  });
  // Leaves that do not steer must still be seen when they overflow.
  const idle = y1.filter((_, l) => !steered[l]);
  const list = stack(sizes);
  return idle.length === 0 ? list : list.add(nanUnlessFinite(idle));
}
