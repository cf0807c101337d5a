/**
 * The arithmetic that the graphs of steps share: combinations of stages, and norms.
 */
import { linearCombination, sizeOf, type Tensor } from '@neuralode/tensor';
import type { AdaptiveControl } from './control.ts';

/** Takes a list of stand-ins apart, front to back. */
export function taker(tensors: readonly Tensor[]): (count: number) => Tensor[] {
  let from = 0;
  return (count) => {
    from += count;
    return tensors.slice(from - count, from);
  };
}

/** Leaf l of Σᵢ weightsᵢ kᵢ. */
export function combine(
  weights: readonly number[],
  stages: readonly Tensor[][],
  leaf: number,
): Tensor {
  return linearCombination(
    weights,
    stages.slice(0, weights.length).map((stage) => stage[leaf]),
  );
}

/** 0 where all elements are finite, NaN otherwise. */
export function nanUnlessFinite(tensors: readonly Tensor[]): Tensor {
  return tensors.map((each) => each.mul(0).sum()).reduce((a, b) => a.add(b));
}

/** RMS of the elements of `values` in units of `scales`, over the leaves that steer. */
export function scaledNorm(
  values: readonly Tensor[],
  scales: readonly Tensor[],
  steered: readonly boolean[],
): Tensor {
  let total: Tensor | undefined;
  let count = 0;
  values.forEach((value, leaf) => {
    if (!steered[leaf]) return;
    const squares = value.div(scales[leaf]).square().sum();
    total = total === undefined ? squares : total.add(squares);
    count += sizeOf(value.shape);
  });
  return (total as Tensor).mul(1 / Math.max(1, count)).sqrt();
}

export function tolerance({ rtol, atol }: AdaptiveControl, size: Tensor): Tensor {
  return size.mul(rtol).add(atol);
}
