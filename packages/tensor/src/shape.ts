/**
 * Shape arithmetic: sizes, strides, broadcasting (NumPy's rule), and axes that may be counted from the end.
 */
import { ArgumentError, ShapeError, showShape } from './errors.ts';

export type Shape = readonly number[];

/** Number of elements. */
export function sizeOf(shape: Shape): number {
  let size = 1;
  for (const extent of shape) size *= extent;
  return size;
}

/** Row-major strides, in elements. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  return strides;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((extent, axis) => extent === b[axis]);
}

/** The shape that `a` and `b` broadcast to (aligned at the last axis; an extent of 1 stretches). */
export function broadcastShapes(a: Shape, b: Shape, what: string): number[] {
  const rank = Math.max(a.length, b.length);
  const shape = new Array<number>(rank);
  for (let i = 1; i <= rank; i++) {
    const left = a.length >= i ? a[a.length - i] : 1;
    const right = b.length >= i ? b[b.length - i] : 1;
    if (left !== right && left !== 1 && right !== 1) {
      throw new ShapeError({
        what: `${what}: shapes do not broadcast`,
        got: `${showShape(a)} and ${showShape(b)}`,
        expected: 'extents that are equal or 1, aligned at the last axis',
      });
    }
    shape[rank - i] = left === 1 ? right : left;
  }
  return shape;
}

/** An axis counted from the front; -1 is the last. */
export function normalAxis(axis: number, rank: number, what: string): number {
  const normal = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || normal < 0 || normal >= rank) {
    throw new ArgumentError({
      what: `${what}: no such axis`,
      got: `axis ${axis} of a tensor of rank ${rank}`,
      expected: `an integer from ${-rank} to ${rank - 1}`,
    });
  }
  return normal;
}

/** Sorted, distinct axes counted from the front; all of them where none is named. */
export function normalAxes(
  axes: number | readonly number[] | undefined,
  rank: number,
  what: string,
): number[] {
  if (axes === undefined) return Array.from({ length: rank }, (_, axis) => axis);
  const list = typeof axes === 'number' ? [axes] : axes;
  return [...new Set(list.map((axis) => normalAxis(axis, rank, what)))].sort((a, b) => a - b);
}

/** The shape left when `axes` are summed away. */
export function withoutAxes(shape: Shape, axes: readonly number[]): number[] {
  return shape.filter((_, axis) => !axes.includes(axis));
}
