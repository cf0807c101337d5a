/**
 * What a layer is: a pair of plain functions, one that makes its parameters and one that applies them. A layer object
 * holds no tensor. Parameters are an explicit tree that the caller passes in, so they can be differentiated, put into
 * an ODE's `args`, saved, or shared, with nothing hidden.
 */
import { ArgumentError, type Random, type Tensor } from '@neuralode/tensor';

/** A differentiable map with parameters of type `P` (a tree of tensors). */
export interface Layer<P> {
  /** Fresh parameters, drawn from `rng`; they belong to the caller. */
  init(rng: Random): P;
  apply(params: P, x: Tensor): Tensor;
}

/** An elementwise non-linearity: `tanh`, `relu`, `softplus` … of @neuralode/tensor, or one's own. */
export type Activation = (x: Tensor) => Tensor;

/** Throws unless `width` can be the extent of a layer. */
export function requireWidth(width: number, what: string): void {
  if (Number.isSafeInteger(width) && width > 0) return;
  throw new ArgumentError({ what, got: String(width), expected: 'a positive integer' });
}
