/**
 * Walking blocks whose elements do not follow one another: broadcast, transposed, cut out.
 *
 * A block is described by a stride per axis of the walk (0 repeats an element, a negative one walks backwards). Axes
 * that follow one another in every block are merged first, so that a walk is a few long rows rather than many short.
 */
import { type Shape, stridesOf } from '@neuralode/tensor';

/** Strides with which a block of shape `from` is read as one of shape `to` (aligned at the last axis). */
export function broadcastStrides(from: Shape, to: Shape): number[] {
  const strides = stridesOf(from);
  const missing = to.length - from.length;
  return to.map((_, axis) =>
    axis < missing || from[axis - missing] === 1 ? 0 : strides[axis - missing],
  );
}

/** The offset of every element of a walk over `shape`, in row-major order. */
export function offsetsOf(shape: Shape, strides: Shape): Int32Array {
  let offsets = new Int32Array(1);
  for (let axis = 0; axis < shape.length; axis++) {
    const extent = shape[axis];
    const finer = new Int32Array(offsets.length * extent);
    for (let i = 0, next = 0; i < offsets.length; i++) {
      for (let k = 0; k < extent; k++) finer[next++] = offsets[i] + k * strides[axis];
    }
    offsets = finer;
  }
  return offsets;
}

/** A walk over several blocks at once: rows of `length` elements, `steps[j]` apart in block j. */
export interface Rows {
  readonly length: number;
  readonly steps: readonly number[];
  /** Calls `visit` with where each block's row begins; the array is reused from row to row. */
  forEach(visit: (starts: readonly number[]) => void): void;
}

/** The rows of a walk over `shape`, given each block's strides and where it begins. */
export function rowsOf(shape: Shape, strides: readonly Shape[], begins: readonly number[]): Rows {
  const merged = mergeAxes(shape, strides);
  const rank = merged.shape.length;
  const length = rank === 0 ? 1 : merged.shape[rank - 1];
  const steps = merged.strides.map((each) => (rank === 0 ? 0 : each[rank - 1]));
  return { length, steps, forEach: (visit) => visitRows(merged, begins, visit) };
}

interface Walk {
  readonly shape: number[];
  readonly strides: number[][];
}

function mergeAxes(shape: Shape, strides: readonly Shape[]): Walk {
  const walk: Walk = { shape: [], strides: strides.map(() => []) };
  for (let axis = 0; axis < shape.length; axis++) {
    if (shape[axis] === 1) continue;
    const last = walk.shape.length - 1;
    const follows =
      last >= 0 && strides.every((each, j) => walk.strides[j][last] === each[axis] * shape[axis]);
    if (follows) {
      walk.shape[last] *= shape[axis];
      strides.forEach((each, j) => {
        walk.strides[j][last] = each[axis];
      });
    } else {
      walk.shape.push(shape[axis]);
      strides.forEach((each, j) => {
        walk.strides[j].push(each[axis]);
      });
    }
  }
  return walk;
}

/** An odometer over all axes but the last. */
function visitRows(
  { shape, strides }: Walk,
  begins: readonly number[],
  visit: (starts: readonly number[]) => void,
): void {
  if (shape.includes(0)) return;
  const starts = [...begins];
  const outer = Math.max(shape.length - 1, 0);
  const digits = new Array<number>(outer).fill(0);
  for (;;) {
    visit(starts);
    let axis = outer - 1;
    for (; axis >= 0; axis--) {
      digits[axis]++;
      for (let j = 0; j < starts.length; j++) starts[j] += strides[j][axis];
      if (digits[axis] < shape[axis]) break;
      for (let j = 0; j < starts.length; j++) starts[j] -= strides[j][axis] * shape[axis];
      digits[axis] = 0;
    }
    if (axis < 0) return;
  }
}
