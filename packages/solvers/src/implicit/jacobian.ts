/**
 * Jacobian matrices as graphs: forward mode along the rows of the identity, one after another in a `scan`.
 */
import { pushForward } from '@neuralode/autodiff';
import { type Graph, ones, type Spec, scan, type Tensor, zerosLike } from '@neuralode/tensor';

/** The identity matrix [n, n], without a tensor from outside the recording. */
export function identity(size: number, { dtype }: Spec): Tensor {
  const options = { dtype: dtype as Tensor['dtype'] };
  // Rows of n + 1 with a one in front, read as rows of n: the ones move one place to the right in each.
  const skewed = ones([size, 1], options).pad([0, 0], [0, size]);
  return skewed
    .reshape([size * (size + 1)])
    .slice([0], [size * size])
    .reshape([size, size]);
}

/**
 * ∂(output 0)/∂(input `by`) of `graph` at `inputs`, both vectors: [m, n].
 */
export function jacobianOf(graph: Graph, inputs: readonly Tensor[], by: number): Tensor {
  const size = inputs[by].shape[0];
  const [, columns] = scan(
    (carry: object, direction: Tensor) => {
      const along = inputs.map((_, i) => (i === by ? direction : null));
      const { outputs, tangents } = pushForward(graph, inputs, along);
      return [carry, tangents[0] ?? zerosLike(outputs[0])] as const;
    },
    {},
    identity(size, inputs[by]),
  );
  return columns.transpose([1, 0]);
}
