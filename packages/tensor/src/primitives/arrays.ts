/**
 * The primitives that move elements or bring them together: products, reductions, shapes, indexing.
 */
import type { Spec } from '../dtype.ts';
import { ArgumentError, DTypeError, ShapeError, showShape } from '../errors.ts';
import type { Primitive } from '../primitive.ts';
import { broadcastShapes, sameShape, sizeOf, withoutAxes } from '../shape.ts';
import type {
  AxesAttrs,
  AxisAttrs,
  PadAttrs,
  ScatterAttrs,
  ShapeAttrs,
  SliceAttrs,
  TransposeAttrs,
} from './attrs.ts';
import { concrete, requireFloat, requireSameDType } from './checks.ts';

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
