/** Central differences in float64, and trees as flat lists of numbers. */
import { flatten, tensor } from '@neuralode/tensor';

/** The gradient of a scalar function of host numbers. */
export function centralGradient(fn: (x: number[]) => number, at: readonly number[]): number[] {
  const h = 1e-5;
  return at.map((value, i) => {
    const moved = (by: number): number => fn(at.map((each, j) => (j === i ? value + by : each)));
    return (moved(h) - moved(-h)) / (2 * h);
  });
}

/** All elements of a tree, in its fixed order. */
export function toList(tree: unknown): number[] {
  return flatten(tree).tensors.flatMap((leaf) => Array.from(leaf.dataSync()));
}

/** A tree like `tree` with the elements of `list`. */
export function fromList<T>(tree: T, list: readonly number[]): T {
  const { tensors, rebuild } = flatten(tree);
  let offset = 0;
  return rebuild(
    tensors.map(({ shape, size }) => {
      offset += size;
      return tensor(Float64Array.from(list.slice(offset - size, offset)), shape);
    }),
  );
}

/** Largest absolute difference of two lists of one length. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i]! - b[i]!));
  return largest;
}
