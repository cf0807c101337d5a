/**
 * Shapes made simpler without moving an element: neighbouring axes that are treated alike are merged into one, so that
 * kernels meet low ranks (most tfjs kernels stop at four to six axes, and are faster with fewer).
 */
import { sizeOf } from '@neuralode/tensor';

/** A shape as runs of neighbouring axes, each either marked or not. */
export interface Runs {
  readonly extents: readonly number[];
  readonly marked: readonly boolean[];
}

/** Merges neighbouring axes that are both in `axes` or both not; axes of extent 1 join either side. */
export function mergeRuns(shape: readonly number[], isMarked: (axis: number) => boolean): Runs {
  const extents: number[] = [];
  const marked: boolean[] = [];
  for (let axis = 0; axis < shape.length; axis++) {
    if (shape[axis] === 1) continue;
    const mark = isMarked(axis);
    if (extents.length > 0 && marked[marked.length - 1] === mark) {
      extents[extents.length - 1] *= shape[axis];
    } else {
      extents.push(shape[axis]);
      marked.push(mark);
    }
  }
  return { extents, marked };
}

/** Splits a shape at one axis: how many blocks before it, its extent, how many elements after it. */
export function aroundAxis(shape: readonly number[], axis: number): [number, number, number] {
  return [sizeOf(shape.slice(0, axis)), shape[axis], sizeOf(shape.slice(axis + 1))];
}

/** A permutation with extent-1 axes dropped and axes that stay neighbours merged. */
export function mergePermutation(
  shape: readonly number[],
  perm: readonly number[],
): { shape: number[]; perm: number[] } {
  const runs: number[][] = [];
  for (const axis of perm) {
    if (shape[axis] === 1) continue;
    const last = runs.at(-1);
    if (last !== undefined && isNext(shape, last[last.length - 1], axis)) last.push(axis);
    else runs.push([axis]);
  }
  const byPlace = runs.map((_, index) => index).sort((i, j) => runs[i][0] - runs[j][0]);
  const place = new Array<number>(runs.length);
  byPlace.forEach((run, at) => {
    place[run] = at;
  });
  return {
    shape: byPlace.map((run) => sizeOf(runs[run].map((axis) => shape[axis]))),
    perm: place,
  };
}

/** Whether `axis` follows `before` in memory, with nothing but extents of 1 between. */
function isNext(shape: readonly number[], before: number, axis: number): boolean {
  if (axis <= before) return false;
  for (let between = before + 1; between < axis; between++) if (shape[between] !== 1) return false;
  return true;
}
