/**
 * The arithmetic that the graphs of steps share: combinations of stages, and norms.
 */
import { linearCombination, type Spec, sizeOf, type Tensor } from '@neuralode/tensor';
import type { AdaptiveControl } from './control.ts';
import { sizeOfErrors } from './norms.ts';

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

/** What a size is: a scalar for the whole state. In a batched solve it is a list, one entry a row. */
type SizeSpec = Pick<Spec, 'shape'>;
const whole: SizeSpec = { shape: [] };

/** A number a row, [B], shaped so that it broadcasts over the rows of `leaf`; a scalar as it is. */
export function along(number: Tensor, leaf: Spec): Tensor {
  if (number.rank === 0) return number;
  return number.reshape(leaf.shape.map((extent, axis) => (axis === 0 ? extent : 1)));
}

/** Sums all elements, or those of each row. */
function sumBy({ shape }: SizeSpec, values: Tensor): Tensor {
  return shape.length === 0 ? values.sum() : values.reshape([...shape, -1]).sum(shape.length);
}

/** 0 where all elements (of the row) are finite, NaN otherwise. */
export function nanUnlessFinite(tensors: readonly Tensor[], size = whole): Tensor {
  return tensors.map((each) => sumBy(size, each.mul(0))).reduce((a, b) => a.add(b));
}

/**
 * Size of `values` in units of `scales`, over the leaves that steer: by the control's norm, or, in a batched solve, the RMS
 * of each row.
 */
export function scaledNorm(
  values: readonly Tensor[],
  scales: readonly Tensor[],
  steered: readonly boolean[],
  { norm }: Pick<AdaptiveControl, 'norm'>,
  size = whole,
): Tensor {
  const scaled = values.flatMap((value, leaf) => (steered[leaf] ? [value.div(scales[leaf])] : []));
  return size.shape.length === 0 ? sizeOfErrors(scaled, norm) : rmsOfRows(scaled, size);
}

function rmsOfRows(values: readonly Tensor[], rows: SizeSpec): Tensor {
  const total = values.map((each) => sumBy(rows, each.square())).reduce((a, b) => a.add(b));
  const count = values.reduce((sum, { shape }) => sum + sizeOf(shape), 0) / sizeOf(rows.shape);
  return total.mul(1 / Math.max(1, count)).sqrt();
}

export function tolerance({ rtol, atol }: AdaptiveControl, size: Tensor): Tensor {
  return size.mul(rtol).add(atol);
}

/** The size of the estimated errors of a step, leaf by leaf: scaled by atol + rtol · max(|y|, |y₁|); NaN where y₁ overflows. */
export function sizeOfStepErrors(
  control: AdaptiveControl,
  steered: readonly boolean[],
  y: readonly Tensor[],
  y1: readonly Tensor[],
  errors: readonly Tensor[],
): Tensor {
  const scales = y.map((leaf, l) => tolerance(control, leaf.abs().maximum(y1[l].abs())));
  const norm = scaledNorm(errors, scales, steered, control);
  // Leaves that do not steer must still be seen when they overflow.
  const idle = y1.filter((_, l) => !steered[l]);
  return idle.length === 0 ? norm : norm.add(nanUnlessFinite(idle));
}
