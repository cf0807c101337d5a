/**
 * The operations as functions: the primitives with friendly arguments, and what is composed of them.
 */
import type { DType } from './dtype.ts';
import { ArgumentError, ShapeError, showShape } from './errors.ts';
import { full, tensor, zerosLike } from './make.ts';
import type { Primitive } from './primitive.ts';
import * as p from './primitives/index.ts';
import { apply, isRecording } from './recording.ts';
import { normalAxes, normalAxis, sizeOf } from './shape.ts';
import type { Axes, Operand, Tensor } from './tensor.ts';
import { isTensor } from './tensor-core.ts';

function one(primitive: Primitive, inputs: readonly Tensor[], attrs?: unknown): Tensor {
  return apply(primitive, inputs, attrs)[0];
}

/** Applies a primitive to operands of which some may be plain numbers, which take the dtype of the tensors. */
function mixed(primitive: Primitive, operands: readonly Operand[], dtype: DType): Tensor {
  const temporary: Tensor[] = [];
  const inputs = operands.map((operand) => {
    if (isTensor(operand)) return operand;
    if (typeof operand !== 'number') {
      throw new ArgumentError({
        what: `${primitive.name}: an operand is neither a tensor nor a number`,
        got: String(operand),
      });
    }
    const literal = full([], operand, { dtype });
    temporary.push(literal);
    return literal;
  });
  const result = one(primitive, inputs);
  if (!isRecording()) for (const literal of temporary) literal.dispose();
  return result;
}

const binary =
  (primitive: Primitive) =>
  (a: Tensor, b: Operand): Tensor =>
    mixed(primitive, [a, b], a.dtype);

const unary =
  (primitive: Primitive) =>
  (x: Tensor): Tensor =>
    one(primitive, [x]);

export const add = binary(p.add);
export const sub = binary(p.sub);
export const mul = binary(p.mul);
export const div = binary(p.div);
export const pow = binary(p.pow);
export const maximum = binary(p.maximum);
export const minimum = binary(p.minimum);
export const equal = binary(p.equal);
export const less = binary(p.less);
export const lessEqual = binary(p.lessEqual);
export const logicalAnd = binary(p.logicalAnd) as (a: Tensor, b: Tensor) => Tensor;
export const logicalOr = binary(p.logicalOr) as (a: Tensor, b: Tensor) => Tensor;
export const logicalNot = unary(p.logicalNot);

export function greater(a: Tensor, b: Operand): Tensor {
  return mixed(p.less, [b, a], a.dtype);
}

export function greaterEqual(a: Tensor, b: Operand): Tensor {
  return mixed(p.lessEqual, [b, a], a.dtype);
}

export const neg = unary(p.neg);
export const abs = unary(p.abs);
export const sign = unary(p.sign);
export const floor = unary(p.floor);
export const exp = unary(p.exp);
export const expm1 = unary(p.expm1);
export const log = unary(p.log);
export const log1p = unary(p.log1p);
export const sqrt = unary(p.sqrt);
export const sin = unary(p.sin);
export const cos = unary(p.cos);
export const tanh = unary(p.tanh);
export const sigmoid = unary(p.sigmoid);
/** x for x > 0, exp(x) − 1 below (Clevert, Unterthiner, Hochreiter 2015, with α = 1); its derivative at 0 is 1. */
export const elu = unary(p.elu);
export const stopGradient = unary(p.stopGradient);

export function square(x: Tensor): Tensor {
  return mul(x, x);
}

/** max(x, 0); its derivative at 0 is 0. */
export function relu(x: Tensor): Tensor {
  return maximum(x, 0);
}

/** log(1 + exp(x)), without overflow. */
export function softplus(x: Tensor): Tensor {
  return add(maximum(x, 0), log1p(exp(neg(abs(x)))));
}

/** `condition ? a : b`, element by element; shapes broadcast. At least one of a and b is a tensor. */
export function where(condition: Tensor, a: Operand, b: Operand): Tensor {
  const like = isTensor(a) ? a : b;
  if (!isTensor(like)) {
    throw new ArgumentError({
      what: 'where: both branches are plain numbers, so the dtype is unknown',
      remedy: 'Make one of them a tensor',
    });
  }
  return mixed(p.where, [condition, a, b], like.dtype);
}

export function matMul(a: Tensor, b: Tensor): Tensor {
  if (a.rank > 2 && b.rank === 2) {
    // One shared right side: the batch is only more rows, and one large product beats many small ones.
    const rows = reshape(a, [-1, a.shape.at(-1) as number]);
    return reshape(matMul(rows, b), [...a.shape.slice(0, -1), b.shape[1]]);
  }
  return one(p.matMul, [a, b]);
}

/** Puts summed-away axes back with extent 1. */
function keep(reduced: Tensor, x: Tensor, axes: readonly number[], keepDims: boolean): Tensor {
  if (!keepDims) return reduced;
  return reshape(
    reduced,
    x.shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent)),
  );
}

export function sum(x: Tensor, axes?: Axes, keepDims = false): Tensor {
  const list = normalAxes(axes, x.rank, 'sum');
  return keep(one(p.sum, [x], { axes: list }), x, list, keepDims);
}

export function mean(x: Tensor, axes?: Axes, keepDims = false): Tensor {
  const count = sizeOf(normalAxes(axes, x.rank, 'mean').map((axis) => x.shape[axis]));
  return mul(sum(x, axes, keepDims), 1 / count);
}

export function max(x: Tensor, axes?: Axes, keepDims = false): Tensor {
  const list = normalAxes(axes, x.rank, 'max');
  return keep(one(p.max, [x], { axes: list }), x, list, keepDims);
}

export function min(x: Tensor, axes?: Axes, keepDims = false): Tensor {
  return neg(max(neg(x), axes, keepDims));
}

export function argMax(x: Tensor, axis: number): Tensor {
  return one(p.argMax, [x], { axis: normalAxis(axis, x.rank, 'argMax') });
}

export function logSumExp(x: Tensor, axes?: Axes, keepDims = false): Tensor {
  const list = normalAxes(axes, x.rank, 'logSumExp');
  // The largest element, where it is finite: -∞ - -∞ would be NaN.
  const largest = stopGradient(max(x, list, true));
  const shift = where(less(abs(largest), Number.POSITIVE_INFINITY), largest, 0);
  const result = add(log(sum(exp(sub(x, shift)), list, true)), shift);
  return keepDims ? result : squeeze(result, list);
}

export function softmax(x: Tensor, axis = -1): Tensor {
  return exp(sub(x, logSumExp(x, axis, true)));
}

export function reshape(x: Tensor, shape: readonly number[]): Tensor {
  const unknown = shape.indexOf(-1);
  if (unknown < 0) return one(p.reshape, [x], { shape: [...shape] });
  const known = sizeOf(shape.filter((_, axis) => axis !== unknown));
  const extent = x.size / known;
  if (!Number.isInteger(extent) || shape.lastIndexOf(-1) !== unknown) {
    throw new ShapeError({
      what: 'reshape: no extent fits in place of -1',
      got: `${showShape(x.shape)} to ${showShape(shape)}`,
    });
  }
  return one(p.reshape, [x], { shape: shape.map((e, axis) => (axis === unknown ? extent : e)) });
}

export function transpose(x: Tensor, perm?: readonly number[]): Tensor {
  const order = perm?.map((axis) => normalAxis(axis, x.rank, 'transpose'));
  return one(p.transpose, [x], { perm: order ?? x.shape.map((_, axis) => x.rank - 1 - axis) });
}

export function expandDims(x: Tensor, axis: number): Tensor {
  const shape = [...x.shape];
  shape.splice(normalAxis(axis, x.rank + 1, 'expandDims'), 0, 1);
  return reshape(x, shape);
}

export function squeeze(x: Tensor, axes?: Axes): Tensor {
  const list =
    axes === undefined
      ? x.shape.flatMap((extent, axis) => (extent === 1 ? [axis] : []))
      : normalAxes(axes, x.rank, 'squeeze');
  const tooLong = list.find((axis) => x.shape[axis] !== 1);
  if (tooLong !== undefined) {
    throw new ShapeError({
      what: `squeeze: axis ${tooLong} does not have extent 1`,
      got: showShape(x.shape),
    });
  }
  return reshape(
    x,
    x.shape.filter((_, axis) => !list.includes(axis)),
  );
}

export function broadcastTo(x: Tensor, shape: readonly number[]): Tensor {
  return one(p.broadcastTo, [x], { shape: [...shape] });
}

export function slice(x: Tensor, begin: readonly number[], size?: readonly number[]): Tensor {
  const from = x.shape.map((_, axis) => begin[axis] ?? 0);
  const extents = x.shape.map((extent, axis) => {
    const wanted = size?.[axis] ?? -1;
    return wanted === -1 ? extent - from[axis] : wanted;
  });
  return one(p.slice, [x], { begin: from, size: extents });
}

export function at(x: Tensor, index: number, axis = 0): Tensor {
  const place = normalAxis(axis, x.rank, 'at');
  const begin = x.shape.map(() => 0);
  begin[place] = normalAxis(index, x.shape[place], `at: axis ${place}`);
  return squeeze(
    slice(
      x,
      begin,
      x.shape.map((e, i) => (i === place ? 1 : e)),
    ),
    place,
  );
}

export function pad(x: Tensor, before: readonly number[], after: readonly number[]): Tensor {
  return one(p.pad, [x], { before: [...before], after: [...after] });
}

/** Joins tensors along an axis that they have. */
export function concat(tensors: readonly Tensor[], axis = 0): Tensor {
  if (tensors.length === 0) throw new ArgumentError({ what: 'concat: of no tensors' });
  return one(p.concat, tensors, { axis: normalAxis(axis, tensors[0].rank, 'concat') });
}

/** Joins tensors of one shape along a new axis. */
export function stack(tensors: readonly Tensor[], axis = 0): Tensor {
  return concat(
    tensors.map((each) => expandDims(each, axis)),
    axis,
  );
}

export function flip(x: Tensor, axes?: Axes): Tensor {
  return one(p.flip, [x], { axes: normalAxes(axes, x.rank, 'flip') });
}

export function gather(x: Tensor, indices: Tensor | readonly number[], axis = 0): Tensor {
  const place = normalAxis(axis, x.rank, 'gather');
  if (isTensor(indices)) return one(p.gather, [x, indices], { axis: place });
  const extent = x.shape[place];
  const normal = indices.map((index) => normalAxis(index, extent, `gather: axis ${place}`));
  return one(p.gather, [x, tensor(normal, { dtype: 'int32' })], { axis: place });
}

export function cast(x: Tensor, dtype: DType): Tensor {
  return x.dtype === dtype ? x : one(p.cast, [x], { dtype });
}

/** Σ wᵢ xᵢ with fixed weights; terms of weight zero are left out. */
export function linearCombination(weights: readonly number[], terms: readonly Tensor[]): Tensor {
  const used = terms.map((_, i) => i).filter((i) => weights[i] !== 0);
  if (used.length === 0) return zerosLike(terms[0]);
  return one(
    p.linearCombination,
    used.map((i) => terms[i]),
    { weights: used.map((i) => weights[i]) },
  );
}
