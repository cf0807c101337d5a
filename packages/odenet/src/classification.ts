/** How well scores fit labels, and how large a network is. */
import {
  leavesWithPaths,
  ShapeError,
  showShape,
  type Tensor,
  tensor,
  where,
} from '@neuralode/tensor';

/**
 * The mean of −log softmax(scores)[label] over the batch, in nats: `scores` [batch, classes], `labels` [batch] with the
 * classes' numbers as int32. Recorded, or eager.
 */
export function crossEntropy(scores: Tensor, labels: Tensor): Tensor {
  const [count, classes] = requireBatch(scores, labels);
  const numbers = tensor(
    Int32Array.from({ length: classes }, (_, i) => i),
    [classes],
    {
      dtype: 'int32',
    },
  );
  const own = labels.reshape([count, 1]).equal(numbers);
  return scores
    .logSumExp(1)
    .sub(where(own, scores, 0).sum(1))
    .mean();
}

/** How many of the batch have their own label's score as the largest: an int32 scalar. */
export function correctCount(scores: Tensor, labels: Tensor): Tensor {
  requireBatch(scores, labels);
  return scores.argMax(1).equal(labels).cast('int32').sum();
}

function requireBatch(scores: Tensor, labels: Tensor): [number, number] {
  const [count, classes] = scores.shape;
  if (scores.rank === 2 && labels.rank === 1 && labels.shape[0] === count) {
    return [count!, classes!];
  }
  throw new ShapeError({
    what: 'scores and labels do not belong together',
    got: `${showShape(scores.shape)} and ${showShape(labels.shape)}`,
    expected: '[batch, classes] and [batch]',
  });
}

/** Numbers in a tree of parameters. */
export function parameterCount(params: unknown): number {
  return leavesWithPaths(params).reduce((sum, leaf) => sum + leaf.tensor.size, 0);
}
