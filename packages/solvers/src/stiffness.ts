/**
 * How stiff a problem is where it is being solved: h ρ, with ρ an estimate of the spectral radius of the field's Jacobian,
 * as a by-product of a step; and how much of it an explicit method bears.
 */
import type { Tensor } from '@neuralode/tensor';
import type { Tableau } from './tableau.ts';

/**
 * The length of the stability interval of an explicit method on the negative real axis: the smallest x with |R(−x)| > 1
 * (Hairer, Wanner II, section IV.2).
 */
export function stabilityInterval({ a, b }: Tableau): number {
  const growth = (x: number): number => {
    const slopes: number[] = [];
    const point = (weights: readonly number[]): number =>
      weights.reduce((sum, weight, j) => sum + weight * slopes[j], 1);
    for (const row of a) slopes.push(-x * point(row));
    return Math.abs(point(b));
  };
  const stride = 1 / 64;
  let from = 0;
  while (growth(from + stride) <= 1) from += stride;
  let to = from + stride;
  while (to - from > 1e-12) {
    const middle = (from + to) / 2;
    if (growth(middle) <= 1) from = middle;
    else to = middle;
  }
  return from;
}

/** Whether the last two stages of an explicit method are both at the end of the step, as `stagewise` needs them. */
export function measuresStiffness({ c, a, implicit }: Tableau): boolean {
  return implicit === undefined && a.length > 2 && c.at(-1) === 1 && c.at(-2) === 1;
}

/**
 * h ρ from two stages at the same time: h ‖k′ − k‖ / ‖Y′ − Y‖. Their difference is mostly along the eigenvector of the
 * largest eigenvalue, as after a step of the power method (Shampine 1977; Hairer, Wanner II, formula IV.2.4).
 *
 * @param sized the norm that steers the solve
 */
export function stagewise(
  h: Tensor,
  slopes: readonly [readonly Tensor[], readonly Tensor[]],
  points: readonly [readonly Tensor[], readonly Tensor[]],
  sized: (values: readonly Tensor[]) => Tensor,
): Tensor {
  const difference = ([newer, older]: readonly [readonly Tensor[], readonly Tensor[]]): Tensor =>
    sized(newer.map((each, l) => each.sub(older[l])));
  return h.abs().mul(difference(slopes)).div(difference(points).maximum(1e-30));
}

/**
 * A bound of the spectral radius of a Jacobian [n, n], and rarely far above it: ‖J⁴‖^(1/4), in the row-sum norm (Gelfand's
 * formula; Horn, Johnson, "Matrix Analysis", corollary 5.6.14).
 */
export function spectralBound(jacobian: Tensor): Tensor {
  const rowSum = (matrix: Tensor): Tensor => matrix.abs().sum(1).max();
  const size = rowSum(jacobian).maximum(1e-30);
  // Scaled first: fourth powers overflow.
  const unit = jacobian.div(size);
  const square = unit.matMul(unit);
  return size.mul(rowSum(square.matMul(square)).sqrt().sqrt());
}
