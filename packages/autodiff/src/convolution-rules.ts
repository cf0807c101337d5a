/**
 * The derivative rules of convolution. It and its two derivatives come of one form, linear in each of its three
 * operands: F(dy, x, w) = Σ dy · conv2d(x, w). Each of the three primitives is the derivative of F by one operand, at the
 * two others; so with a cotangent in the place of the missing operand, the cotangents of its inputs are the other two.
 */
import {
  apply,
  type ConvolutionAttrs,
  type ConvolutionFilterAttrs,
  type ConvolutionInputAttrs,
  type DerivativeRule,
  type Primitive,
  primitives as p,
  type Tensor,
} from '@neuralode/tensor';
import { linear } from './rule.ts';

/** ∂F/∂dy. */
function places(x: Tensor, w: Tensor, attrs: ConvolutionAttrs): Tensor {
  return apply(p.conv2d, [x, w], movesOf(attrs))[0];
}

/** ∂F/∂x, of the extents of `x`. */
function pixels(dy: Tensor, w: Tensor, x: Tensor, attrs: ConvolutionAttrs): Tensor {
  const [, height, width] = x.shape;
  const full: ConvolutionInputAttrs = { ...movesOf(attrs), picture: [height, width] };
  return apply(p.conv2dInput, [dy, w], full)[0];
}

/** ∂F/∂w, of the extents of `w`. */
function filters(x: Tensor, dy: Tensor, w: Tensor, attrs: ConvolutionAttrs): Tensor {
  const [rows, columns] = w.shape;
  const full: ConvolutionFilterAttrs = { ...movesOf(attrs), window: [rows, columns] };
  return apply(p.conv2dFilter, [x, dy], full)[0];
}

/** What the three have in common, so that equal nodes are recorded as such. */
function movesOf({ strides, padding, dilations }: ConvolutionAttrs): ConvolutionAttrs {
  return { strides, padding, dilations };
}

function bilinear<Attrs extends ConvolutionAttrs>(
  primitive: Primitive<Attrs>,
  pull: (cotangent: Tensor, i: number, inputs: readonly Tensor[], attrs: Attrs) => Tensor,
): DerivativeRule {
  const push = (tangent: Tensor, i: number, [a, b]: readonly Tensor[], attrs: Attrs): Tensor =>
    apply(primitive, i === 0 ? [tangent, b] : [a, tangent], attrs)[0];
  return linear<Attrs>(primitive, { push, pull });
}

export const convolutionRules: Record<string, DerivativeRule> = {
  conv2d: bilinear<ConvolutionAttrs>(p.conv2d, (dy, i, [x, w], attrs) =>
    i === 0 ? pixels(dy, w, x, attrs) : filters(x, dy, w, attrs),
  ),
  conv2dInput: bilinear<ConvolutionInputAttrs>(p.conv2dInput, (x, i, [dy, w], attrs) =>
    i === 0 ? places(x, w, attrs) : filters(x, dy, w, attrs),
  ),
  conv2dFilter: bilinear<ConvolutionFilterAttrs>(p.conv2dFilter, (w, i, [x, dy], attrs) =>
    i === 0 ? pixels(dy, w, x, attrs) : places(x, w, attrs),
  ),
};
