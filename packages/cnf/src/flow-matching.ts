/**
 * Flow matching along straight paths (Lipman, Chen, Ben-Hamu, Nickel, Le 2023, section 4.1, "optimal transport"):
 * with z from the base, x from the data, and s uniform in [0, 1],
 *
 *     ψ(s) = (1 − (1 − σ) s) z + s x,        ∂ψ/∂s = x − (1 − σ) z,
 *
 * the field is regressed on ∂ψ/∂s at ψ(s). The minimum carries the base to the data (smoothed by σ), so the flow that is
 * trained without a solve has exact likelihoods from one.
 */
import {
  ArgumentError,
  type Random,
  ShapeError,
  sameShape,
  showShape,
  type Tensor,
  tensor,
} from '@neuralode/tensor';
import type { Cnf } from './cnf.ts';
import type { FlowCall } from './flow-call.ts';

/** A batch of pairs with places on the paths between them. */
export interface FlowMatchingBatch {
  /** Data: [batch, dimension]. */
  readonly x: Tensor;
  /** Points of the base: [batch, dimension]. */
  readonly z: Tensor;
  /** s in [0, 1]: [batch]. */
  readonly s: Tensor;
}

/** Settings of `flowMatching`. */
export interface FlowMatchingOptions {
  /** σ, the width that a path ends with. Default 0. */
  readonly width?: number;
  /** Handed to the field. */
  readonly context?: FlowCall['context'];
}

/**
 * Draws base points and places for data `x` [batch, dimension], which comes back as it is. The places are stratified,
 * one in each of `batch` equal parts, which takes variance from the loss and leaves its mean.
 */
export function flowMatchingBatch<P>(flow: Cnf<P>, x: Tensor, rng: Random): FlowMatchingBatch {
  const [batch] = x.shape;
  const { dtype } = x;
  const order = rng.permutation(batch);
  const places = order.map((part) => (part + rng.next()) / batch);
  return { x, z: flow.base.sample(rng, batch, { dtype }), s: tensor(places, { dtype }) };
}

/** The mean over the batch of ‖f − ∂ψ/∂s‖², in units of the whole span: a scalar. */
export function flowMatching<P>(
  flow: Cnf<P>,
  params: P,
  { x, z, s }: FlowMatchingBatch,
  options: FlowMatchingOptions = {},
): Tensor {
  const { width = 0, context } = options;
  requireWidth(width);
  requireFitting(x, z, s);
  const [from, to] = flow.span;
  const place = s.expandDims(-1);
  const points = z.mul(place.mul(width - 1).add(1)).add(x.mul(place));
  const wanted = x.sub(z.mul(1 - width));
  const t = s.mul(to - from).add(from);
  const velocity = flow.velocity(params, t, points, context === undefined ? {} : { context });
  return velocity
    .mul(to - from)
    .sub(wanted)
    .square()
    .sum(-1)
    .mean();
}

function requireWidth(width: number): void {
  if (width >= 0 && width < 1) return;
  throw new ArgumentError({
    what: 'flowMatching: width',
    got: String(width),
    expected: 'a number in [0, 1)',
  });
}

function requireFitting(x: Tensor, z: Tensor, s: Tensor): void {
  if (sameShape(x.shape, z.shape) && s.rank === 1 && s.shape[0] === x.shape[0]) return;
  throw new ShapeError({
    what: 'flowMatching: the parts of the batch do not fit together',
    got: `x ${showShape(x.shape)}, z ${showShape(z.shape)}, s ${showShape(s.shape)}`,
    expected: 'x and z [batch, dimension], s [batch]',
  });
}
