/**
 * The plain primitives: every operation that a backend must have a kernel for. Few and orthogonal; `softplus`,
 * `logSumExp` and friends are compositions (ops.ts).
 *
 * `reshape` and `stopGradient` are answered by the executor (they move no element) and never reach a backend.
 */
import type { Primitive } from '../primitive.ts';
import * as arrays from './arrays.ts';
import * as constants from './constants.ts';
import * as convolution from './convolution.ts';
import * as elementwise from './elementwise.ts';

export {
  matMul,
  sum,
  max,
  argMax,
  reshape,
  transpose,
  broadcastTo,
  slice,
  pad,
  concat,
  flip,
  gather,
  scatterAdd,
} from './arrays.ts';
export { conv2d, conv2dInput, conv2dFilter } from './convolution.ts';
export { fill, cast, stopGradient, linearCombination } from './constants.ts';
export {
  neg,
  abs,
  sign,
  floor,
  exp,
  expm1,
  log,
  log1p,
  sqrt,
  sin,
  cos,
  tanh,
  sigmoid,
  elu,
  add,
  sub,
  mul,
  div,
  pow,
  maximum,
  minimum,
  equal,
  less,
  lessEqual,
  logicalAnd,
  logicalOr,
  logicalNot,
  where,
} from './elementwise.ts';

export type {
  FillAttrs,
  CastAttrs,
  ShapeAttrs,
  AxesAttrs,
  AxisAttrs,
  TransposeAttrs,
  SliceAttrs,
  PadAttrs,
  ScatterAttrs,
  WeightsAttrs,
  PerAxis,
  ConvolutionAttrs,
  ConvolutionInputAttrs,
  ConvolutionFilterAttrs,
} from './attrs.ts';

/** Every plain primitive: what the conformance suite walks through. */
export const plainPrimitives: readonly Primitive[] = [
  ...Object.values(elementwise),
  ...Object.values(arrays),
  ...Object.values(convolution),
  ...Object.values(constants),
];
