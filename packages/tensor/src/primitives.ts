/**
 * The plain primitives: every operation that a backend must have a kernel for. Few and orthogonal; `softplus`,
 * `logSumExp` and friends are compositions (ops.ts). Binary ones broadcast by NumPy's rule. Comparisons give `bool`.
 *
 * `reshape` and `stopGradient` are answered by the executor (they move no element) and never reach a backend.
 */
import type { DType, Spec } from './dtype.ts';
import { isFloat } from './dtype.ts';
import { ArgumentError, DTypeError, ShapeError, showShape } from './errors.ts';
import type { Primitive } from './primitive.ts';
import { broadcastShapes, sameShape, sizeOf, withoutAxes } from './shape.ts';

/** Attributes of the primitives that have any. Axes are normal (counted from the front, sorted). */
export interface FillAttrs {
  readonly value: number;
  readonly shape: readonly number[];
  readonly dtype: DType;
}
export interface CastAttrs {
  readonly dtype: DType;
}
export interface ShapeAttrs {
  readonly shape: readonly number[];
}
export interface AxesAttrs {
  readonly axes: readonly number[];
}
export interface AxisAttrs {
  readonly axis: number;
}
export interface TransposeAttrs {
  /** Output axis i is input axis `perm[i]`. */
  readonly perm: readonly number[];
}
export interface SliceAttrs {
  readonly begin: readonly number[];
  readonly size: readonly number[];
}
export interface PadAttrs {
  /** Zeros before and after, along every axis. */
  readonly before: readonly number[];
  readonly after: readonly number[];
}
export interface ScatterAttrs {
  readonly axis: number;
  /** Extent of the output along `axis`. */
  readonly size: number;
}
export interface WeightsAttrs {
  readonly weights: readonly number[];
}

function concrete(spec: Spec, what: string): DType {
  if (spec.dtype === 'opaque') {
    throw new DTypeError({ what: `${what}: a loop's tape is not a tensor` });
  }
  return spec.dtype;
}

function requireFloat(spec: Spec, what: string): void {
  if (isFloat(spec.dtype)) return;
  throw new DTypeError({
    what: `${what}: needs floating-point numbers`,
    got: spec.dtype,
    remedy: "Convert with .cast('float32') or .cast('float64')",
  });
}

function requireSameDType(a: Spec, b: Spec, what: string): void {
  if (a.dtype === b.dtype) return;
  throw new DTypeError({
    what: `${what}: operands of different dtype`,
    got: `${a.dtype} and ${b.dtype}`,
    remedy: 'Convert one with .cast(dtype)',
  });
}

function requireBool(spec: Spec, what: string): void {
  if (spec.dtype === 'bool') return;
  throw new DTypeError({ what: `${what}: needs booleans`, got: spec.dtype });
}

type NumericKind = 'float' | 'number';

function unary(name: string, kind: NumericKind): Primitive<undefined> {
  return {
    name,
    infer([x]) {
      if (kind === 'float') requireFloat(x, name);
      else if (concrete(x, name) === 'bool') {
        throw new DTypeError({ what: `${name}: needs numbers`, got: 'bool' });
      }
      return [{ shape: x.shape, dtype: x.dtype }];
    },
  };
}

function binary(name: string, kind: NumericKind): Primitive<undefined> {
  return {
    name,
    infer([a, b]) {
      requireSameDType(a, b, name);
      if (kind === 'float') requireFloat(a, name);
      else if (concrete(a, name) === 'bool') {
        throw new DTypeError({ what: `${name}: needs numbers`, got: 'bool' });
      }
      return [{ shape: broadcastShapes(a.shape, b.shape, name), dtype: a.dtype }];
    },
  };
}

function comparison(name: string): Primitive<undefined> {
  return {
    name,
    infer([a, b]) {
      requireSameDType(a, b, name);
      return [{ shape: broadcastShapes(a.shape, b.shape, name), dtype: 'bool' }];
    },
  };
}

function logical(name: string): Primitive<undefined> {
  return {
    name,
    infer(inputs) {
      for (const input of inputs) requireBool(input, name);
      const shape = inputs
        .map((input) => input.shape)
        .reduce((a, b) => broadcastShapes(a, b, name));
      return [{ shape, dtype: 'bool' }];
    },
  };
}

export const neg = unary('neg', 'number');
export const abs = unary('abs', 'number');
/** -1, 0 or 1. */
export const sign = unary('sign', 'number');
export const floor = unary('floor', 'float');
export const exp = unary('exp', 'float');
export const expm1 = unary('expm1', 'float');
export const log = unary('log', 'float');
export const log1p = unary('log1p', 'float');
export const sqrt = unary('sqrt', 'float');
export const sin = unary('sin', 'float');
export const cos = unary('cos', 'float');
export const tanh = unary('tanh', 'float');
/** 1 / (1 + exp(-x)). */
export const sigmoid = unary('sigmoid', 'float');

export const add = binary('add', 'number');
export const sub = binary('sub', 'number');
export const mul = binary('mul', 'number');
export const div = binary('div', 'float');
export const pow = binary('pow', 'float');
/** NaN where either operand is NaN. */
export const maximum = binary('maximum', 'number');
export const minimum = binary('minimum', 'number');

export const equal = comparison('equal');
export const less = comparison('less');
export const lessEqual = comparison('lessEqual');

export const logicalAnd = logical('logicalAnd');
export const logicalOr = logical('logicalOr');
export const logicalNot = logical('logicalNot');

/** `condition ? a : b`, element by element; all three broadcast. */
export const where: Primitive<undefined> = {
  name: 'where',
  infer([condition, a, b]) {
    requireBool(condition, 'where: condition');
    requireSameDType(a, b, 'where');
    const shape = broadcastShapes(a.shape, b.shape, 'where');
    return [{ shape: broadcastShapes(condition.shape, shape, 'where'), dtype: a.dtype }];
  },
};

/** `[…, m, k] × […, k, n]`; the leading (batch) extents broadcast. */
export const matMul: Primitive<undefined> = {
  name: 'matMul',
  infer([a, b]) {
    requireSameDType(a, b, 'matMul');
    requireFloat(a, 'matMul');
    const fits = a.shape.length >= 2 && b.shape.length >= 2 && a.shape.at(-1) === b.shape.at(-2);
    if (!fits) {
      throw new ShapeError({
        what: 'matMul: inner extents differ',
        got: `${showShape(a.shape)} × ${showShape(b.shape)}`,
        expected: '[…, m, k] × […, k, n]',
      });
    }
    const batch = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2), 'matMul');
    return [
      { shape: [...batch, a.shape.at(-2) as number, b.shape.at(-1) as number], dtype: a.dtype },
    ];
  },
};

/** Sum over `axes`, which disappear. */
export const sum: Primitive<AxesAttrs> = {
  name: 'sum',
  infer([x], { axes }) {
    if (concrete(x, 'sum') === 'bool') {
      throw new DTypeError({
        what: 'sum: needs numbers',
        got: 'bool',
        remedy: "Use .cast('int32')",
      });
    }
    return [{ shape: withoutAxes(x.shape, axes), dtype: x.dtype }];
  },
};

/** Largest element over `axes`, which disappear; NaN where there is one. */
export const max: Primitive<AxesAttrs> = {
  name: 'max',
  infer([x], { axes }) {
    if (axes.some((axis) => x.shape[axis] === 0)) {
      throw new ShapeError({ what: 'max: of no elements', got: showShape(x.shape) });
    }
    return [{ shape: withoutAxes(x.shape, axes), dtype: x.dtype }];
  },
};

/** Index (int32) of the first largest element along `axis`, which disappears. */
export const argMax: Primitive<AxisAttrs> = {
  name: 'argMax',
  infer([x], { axis }) {
    if (x.shape[axis] === 0) {
      throw new ShapeError({ what: 'argMax: of no elements', got: showShape(x.shape) });
    }
    return [{ shape: withoutAxes(x.shape, [axis]), dtype: 'int32' }];
  },
};

export const reshape: Primitive<ShapeAttrs> = {
  name: 'reshape',
  infer([x], { shape }) {
    if (sizeOf(x.shape) !== sizeOf(shape)) {
      throw new ShapeError({
        what: 'reshape: element counts differ',
        got: `${showShape(x.shape)} to ${showShape(shape)}`,
      });
    }
    return [{ shape, dtype: x.dtype }];
  },
};

export const transpose: Primitive<TransposeAttrs> = {
  name: 'transpose',
  infer([x], { perm }) {
    const isPermutation =
      perm.length === x.shape.length && x.shape.every((_, axis) => perm.includes(axis));
    if (!isPermutation) {
      throw new ArgumentError({
        what: 'transpose: not a permutation of the axes',
        got: `${showShape(perm)} for shape ${showShape(x.shape)}`,
      });
    }
    return [{ shape: perm.map((axis) => x.shape[axis]), dtype: x.dtype }];
  },
};

export const broadcastTo: Primitive<ShapeAttrs> = {
  name: 'broadcastTo',
  infer([x], { shape }) {
    if (!sameShape(broadcastShapes(x.shape, shape, 'broadcastTo'), shape)) {
      throw new ShapeError({
        what: 'broadcastTo: the target is smaller than the tensor',
        got: `${showShape(x.shape)} to ${showShape(shape)}`,
      });
    }
    return [{ shape, dtype: x.dtype }];
  },
};

/** The block that starts at `begin` and has extents `size`. */
export const slice: Primitive<SliceAttrs> = {
  name: 'slice',
  infer([x], { begin, size }) {
    const inside =
      begin.length === x.shape.length &&
      size.length === x.shape.length &&
      begin.every((b, axis) => b >= 0 && size[axis] >= 0 && b + size[axis] <= x.shape[axis]);
    if (!inside) {
      throw new ShapeError({
        what: 'slice: the block is not inside the tensor',
        got: `begin ${showShape(begin)}, size ${showShape(size)}, tensor ${showShape(x.shape)}`,
      });
    }
    return [{ shape: size, dtype: x.dtype }];
  },
};

/** Zeros around: the adjoint of `slice`. */
export const pad: Primitive<PadAttrs> = {
  name: 'pad',
  infer([x], { before, after }) {
    const shape = x.shape.map((extent, axis) => before[axis] + extent + after[axis]);
    const valid =
      before.length === x.shape.length &&
      after.length === x.shape.length &&
      [...before, ...after].every((count) => Number.isInteger(count) && count >= 0);
    if (!valid) {
      throw new ArgumentError({
        what: 'pad: needs one count of zeros, 0 or more, before and after each axis',
        got: `${showShape(before)} and ${showShape(after)} for shape ${showShape(x.shape)}`,
      });
    }
    return [{ shape, dtype: x.dtype }];
  },
};

export const concat: Primitive<AxisAttrs> = {
  name: 'concat',
  infer(inputs, { axis }) {
    const [first] = inputs;
    for (const input of inputs) {
      requireSameDType(first, input, 'concat');
      const fits =
        input.shape.length === first.shape.length &&
        input.shape.every((extent, i) => i === axis || extent === first.shape[i]);
      if (!fits) {
        throw new ShapeError({
          what: `concat: shapes differ outside axis ${axis}`,
          got: inputs.map((each) => showShape(each.shape)).join(', '),
        });
      }
    }
    const extent = inputs.reduce((total, input) => total + input.shape[axis], 0);
    return [{ shape: first.shape.map((e, i) => (i === axis ? extent : e)), dtype: first.dtype }];
  },
};

/** Reverses the order along `axes`. */
export const flip: Primitive<AxesAttrs> = {
  name: 'flip',
  infer: ([x]) => [{ shape: x.shape, dtype: x.dtype }],
};

function requireIndices(indices: Spec, what: string): void {
  if (indices.dtype === 'int32' && indices.shape.length === 1) return;
  throw new ArgumentError({
    what: `${what}: indices must be a list of integers`,
    got: `${indices.dtype}${showShape(indices.shape)}`,
    expected: 'int32[n]',
  });
}

/** Inputs: x, indices int32[n]. The slices of x along `axis` at those indices. */
export const gather: Primitive<AxisAttrs> = {
  name: 'gather',
  infer([x, indices], { axis }) {
    requireIndices(indices, 'gather');
    return [{ shape: x.shape.map((e, i) => (i === axis ? indices.shape[0] : e)), dtype: x.dtype }];
  },
};

/** Inputs: x, indices int32[n]. Adds slice i of x into slice `indices[i]` of zeros: the adjoint of `gather`. */
export const scatterAdd: Primitive<ScatterAttrs> = {
  name: 'scatterAdd',
  infer([x, indices], { axis, size }) {
    requireIndices(indices, 'scatterAdd');
    if (x.dtype === 'bool')
      throw new DTypeError({ what: 'scatterAdd: needs numbers', got: 'bool' });
    if (x.shape[axis] !== indices.shape[0]) {
      throw new ShapeError({
        what: 'scatterAdd: one index a slice is needed',
        got: `${indices.shape[0]} indices for ${x.shape[axis]} slices`,
      });
    }
    return [{ shape: x.shape.map((e, i) => (i === axis ? size : e)), dtype: x.dtype }];
  },
};

/** No inputs: a tensor of one repeated number. */
export const fill: Primitive<FillAttrs> = {
  name: 'fill',
  infer: (_, { shape, dtype }) => [{ shape, dtype }],
};

/** To another dtype; float to int32 drops the fraction (towards zero); to bool is "not zero". */
export const cast: Primitive<CastAttrs> = {
  name: 'cast',
  infer: ([x], { dtype }) => [{ shape: x.shape, dtype }],
};

/** The same values, a constant to derivatives. */
export const stopGradient: Primitive<undefined> = {
  name: 'stopGradient',
  infer: ([x]) => [{ shape: x.shape, dtype: x.dtype }],
};

/** Σ wᵢ xᵢ of equally shaped inputs with fixed weights: what a Runge-Kutta stage is made of. */
export const linearCombination: Primitive<WeightsAttrs> = {
  name: 'linearCombination',
  infer(inputs, { weights }) {
    const [first] = inputs;
    if (inputs.length === 0 || inputs.length !== weights.length) {
      throw new ArgumentError({
        what: 'linearCombination: needs one weight for each input, at least one',
        got: `${inputs.length} inputs and ${weights.length} weights`,
      });
    }
    for (const input of inputs) {
      requireSameDType(first, input, 'linearCombination');
      requireFloat(input, 'linearCombination');
      if (!sameShape(input.shape, first.shape)) {
        throw new ShapeError({
          what: 'linearCombination: shapes differ',
          got: `${showShape(first.shape)} and ${showShape(input.shape)}`,
        });
      }
    }
    return [{ shape: first.shape, dtype: first.dtype }];
  },
};

/** Every plain primitive by name: what the conformance suite walks through. */
export const plainPrimitives: readonly Primitive[] = [
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
  fill,
  cast,
  stopGradient,
  linearCombination,
];
