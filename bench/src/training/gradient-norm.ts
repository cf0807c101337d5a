/** The size of a gradient, by which systems are compared. */
import { flatten, type Tensor } from '@neuralode/tensor';

/** The root of the sum of squares of all numbers in a tree. */
export function normOf(tree: unknown): Tensor {
  const squares = flatten(tree).tensors.map((leaf) => leaf.square().sum());
  return squares.reduce((sum, square) => sum.add(square)).sqrt();
}
