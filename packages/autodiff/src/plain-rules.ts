/**
 * The derivative rules of the plain primitives: one entry each.
 */
import {
  type AxesAttrs,
  type AxisAttrs,
  apply,
  type CastAttrs,
  concat,
  type DerivativeRule,
  isFloat,
  linearCombination,
  type PadAttrs,
  primitives as p,
  type ScatterAttrs,
  type ShapeAttrs,
  type SliceAttrs,
  type Tensor,
  type TransposeAttrs,
  type WeightsAttrs,
  where,
  zerosLike,
} from '@neuralode/tensor';
import { convolutionRules } from './convolution-rules.ts';
import { elementwise, linear, oneMinus, unbroadcast } from './rule.ts';

/** 1 where the condition holds, 0 elsewhere, of the dtype of `like`. */
function indicator(condition: Tensor, like: Tensor): Tensor {
  return condition.cast(like.dtype);
}

/** Puts back, with extent 1, the axes that a reduction of `x` dropped. */
function restoreAxes(reduced: Tensor, x: Tensor, axes: readonly number[]): Tensor {
  return reduced.reshape(x.shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent)));
}

const elementwiseRules: Record<string, DerivativeRule> = {
  neg: elementwise(p.neg, () => -1),
  abs: elementwise(p.abs, ([x]) => x.sign()),
  exp: elementwise(p.exp, (_, y) => y),
  expm1: elementwise(p.expm1, (_, y) => y.add(1)),
  log: elementwise(p.log, ([x]) => x.pow(-1)),
  log1p: elementwise(p.log1p, ([x]) => x.add(1).pow(-1)),
  sqrt: elementwise(p.sqrt, (_, y) => y.pow(-1).mul(0.5)),
  sin: elementwise(p.sin, ([x]) => x.cos()),
  cos: elementwise(p.cos, ([x]) => x.sin().neg()),
  tanh: elementwise(p.tanh, (_, y) => oneMinus(y.square())),
  sigmoid: elementwise(p.sigmoid, (_, y) => y.mul(oneMinus(y))),
  elu: elementwise(p.elu, (_, y) => y.minimum(0).add(1)),
  add: elementwise(
    p.add,
    () => 1,
    () => 1,
  ),
  sub: elementwise(
    p.sub,
    () => 1,
    () => -1,
  ),
  mul: elementwise(
    p.mul,
    ([, b]) => b,
    ([a]) => a,
  ),
  div: elementwise(
    p.div,
    ([, b]) => b.pow(-1),
    ([, b], y) => y.div(b).neg(),
  ),
  pow: elementwise(
    p.pow,
    ([a, b]) => b.mul(a.pow(b.sub(1))),
    // The limit where the base is 0; for a negative base the exponent has no derivative, and log gives NaN.
    ([a], y) => where(a.equal(0), 0, y.mul(where(a.equal(0), 1, a).log())),
  ),
  // At a tie the second operand has it, so that relu'(0) = 0.
  maximum: elementwise(
    p.maximum,
    ([a, b]) => indicator(a.greater(b), a),
    ([a, b]) => indicator(a.lessEqual(b), a),
  ),
  minimum: elementwise(
    p.minimum,
    ([a, b]) => indicator(a.less(b), a),
    ([a, b]) => indicator(a.greaterEqual(b), a),
  ),
};

/** `[…, n, m]` of `[…, m, n]`. */
function matrixTranspose(x: Tensor): Tensor {
  const last = x.rank - 1;
  return x.transpose(x.shape.map((_, i) => (i === last ? last - 1 : i === last - 1 ? last : i)));
}

const productRules: Record<string, DerivativeRule> = {
  matMul: linear<undefined>(p.matMul, {
    push: (tangent, i, [a, b]) => (i === 0 ? tangent.matMul(b) : a.matMul(tangent)),
    pull: (cotangent, i, [a, b]) =>
      i === 0
        ? unbroadcast(cotangent.matMul(matrixTranspose(b)), a.shape)
        : unbroadcast(matrixTranspose(a).matMul(cotangent), b.shape),
  }),
  linearCombination: linear<WeightsAttrs>(p.linearCombination, {
    push: (tangent, i, _, { weights }) => linearCombination([weights[i]], [tangent]),
    pull: (cotangent, i, _, { weights }) => linearCombination([weights[i]], [cotangent]),
  }),
  where: linear<undefined>(p.where, {
    push: (tangent, i, [condition, a, b]) =>
      i === 1 ? where(condition, tangent, zerosLike(b)) : where(condition, zerosLike(a), tangent),
    pull: (cotangent, i, inputs) => {
      const zero = zerosLike(cotangent);
      const [condition] = inputs;
      const chosen =
        i === 1 ? where(condition, cotangent, zero) : where(condition, zero, cotangent);
      return unbroadcast(chosen, inputs[i].shape);
    },
  }),
};

/** Largest elements share the derivative equally where several tie. */
function shareOfMaximum(x: Tensor, largest: Tensor, axes: readonly number[]): Tensor {
  const ties = indicator(x.equal(restoreAxes(largest, x, axes)), x);
  return ties.div(restoreAxes(ties.sum(axes), x, axes));
}

const reductionRules: Record<string, DerivativeRule> = {
  sum: linear<AxesAttrs>(p.sum, {
    push: (tangent, _i, _x, { axes }) => tangent.sum(axes),
    pull: (cotangent, _, [x], { axes }) => restoreAxes(cotangent, x, axes).broadcastTo(x.shape),
  }),
  max: {
    jvp([x], [tangent], attrs) {
      const { axes } = attrs as AxesAttrs;
      const [y] = apply(p.max, [x], attrs);
      const share = tangent && shareOfMaximum(x, y, axes).mul(tangent).sum(axes);
      return { outputs: [y], tangents: [share] };
    },
    vjp([x], attrs) {
      const { axes } = attrs as AxesAttrs;
      const [y] = apply(p.max, [x], attrs);
      return {
        outputs: [y],
        pullback: ([cotangent]) => [
          cotangent && shareOfMaximum(x, y, axes).mul(restoreAxes(cotangent, x, axes)),
        ],
      };
    },
  },
};

/** Where each input of a concat begins. */
function offsetsOf(inputs: readonly Tensor[], axis: number): number[] {
  let offset = 0;
  return inputs.map(({ shape }) => {
    const begin = offset;
    offset += shape[axis];
    return begin;
  });
}

const onAxis = (x: Tensor, axis: number, value: number): number[] =>
  x.shape.map((_, i) => (i === axis ? value : 0));

const shapeRules: Record<string, DerivativeRule> = {
  reshape: linear<ShapeAttrs>(p.reshape, {
    push: (tangent, _i, _x, { shape }) => tangent.reshape(shape),
    pull: (cotangent, _, [x]) => cotangent.reshape(x.shape),
  }),
  transpose: linear<TransposeAttrs>(p.transpose, {
    push: (tangent, _i, _x, { perm }) => tangent.transpose(perm),
    pull: (cotangent, _i, _x, { perm }) => cotangent.transpose(perm.map((_, i) => perm.indexOf(i))),
  }),
  broadcastTo: linear<ShapeAttrs>(p.broadcastTo, {
    push: (tangent, _i, _x, { shape }) => tangent.broadcastTo(shape),
    pull: (cotangent, _, [x]) => unbroadcast(cotangent, x.shape),
  }),
  slice: linear<SliceAttrs>(p.slice, {
    push: (tangent, _i, _x, { begin, size }) => tangent.slice(begin, size),
    pull: (cotangent, _, [x], { begin, size }) =>
      cotangent.pad(
        begin,
        x.shape.map((extent, axis) => extent - begin[axis] - size[axis]),
      ),
  }),
  pad: linear<PadAttrs>(p.pad, {
    push: (tangent, _i, _x, { before, after }) => tangent.pad(before, after),
    pull: (cotangent, _, [x], { before }) => cotangent.slice(before, x.shape),
  }),
  // Written out rather than linear(): one concat of the tangents instead of a sum of padded ones.
  concat: {
    jvp(inputs, tangents, attrs) {
      const { axis } = attrs as AxisAttrs;
      const parts = tangents.map((tangent, i) => tangent ?? zerosLike(inputs[i]));
      return { outputs: apply(p.concat, inputs, attrs), tangents: [concat(parts, axis)] };
    },
    vjp(inputs, attrs, needs) {
      const { axis } = attrs as AxisAttrs;
      const offsets = offsetsOf(inputs, axis);
      return {
        outputs: apply(p.concat, inputs, attrs),
        pullback: ([cotangent]) =>
          inputs.map((x, i) =>
            cotangent === null || !needs[i]
              ? null
              : cotangent.slice(onAxis(x, axis, offsets[i]), x.shape),
          ),
      };
    },
  },
  flip: linear<AxesAttrs>(p.flip, {
    push: (tangent, _i, _x, { axes }) => tangent.flip(axes),
    pull: (cotangent, _i, _x, { axes }) => cotangent.flip(axes),
  }),
  gather: linear<AxisAttrs>(p.gather, {
    push: (tangent, _, [, indices], { axis }) => tangent.gather(indices, axis),
    pull: (cotangent, _, [x, indices], { axis }) =>
      apply(p.scatterAdd, [cotangent, indices], { axis, size: x.shape[axis] })[0],
  }),
  scatterAdd: linear<ScatterAttrs>(p.scatterAdd, {
    push: (tangent, _, [, indices], attrs) => apply(p.scatterAdd, [tangent, indices], attrs)[0],
    pull: (cotangent, _, [, indices], { axis }) => cotangent.gather(indices, axis),
  }),
  cast: {
    jvp([x], [tangent], attrs) {
      const { dtype } = attrs as CastAttrs;
      const moved = tangent !== null && isFloat(dtype) ? tangent.cast(dtype) : null;
      return { outputs: apply(p.cast, [x], attrs), tangents: [moved] };
    },
    vjp([x], attrs) {
      return {
        outputs: apply(p.cast, [x], attrs),
        pullback: ([cotangent]) => [cotangent?.cast(x.dtype) ?? null],
      };
    },
  },
};

/** By name. A primitive that brings its own rule (`Primitive.derivative`) is not here. */
export const plainRules: Readonly<Record<string, DerivativeRule>> = {
  ...elementwiseRules,
  ...productRules,
  ...convolutionRules,
  ...reductionRules,
  ...shapeRules,
};
