/** Numbers of trees, small linear algebra and central differences, all on the host in float64. */
import { flatten, type Tensor, tensor } from '@neuralode/tensor';

export function toList(x: Tensor): number[] {
  return Array.from(x.dataSync());
}

/** Central differences of a scalar function of a tree's tensors, in the tree's order. */
export async function centralGradient<T>(
  fn: (tree: T) => Promise<number>,
  tree: T,
  h = 1e-5,
): Promise<number[]> {
  const { tensors, rebuild } = flatten(tree);
  const slopes: number[] = [];
  for (const [k, leaf] of tensors.entries()) {
    const values = Float64Array.from(leaf.dataSync());
    for (let i = 0; i < values.length; i++) {
      const at = (by: number): Promise<number> => {
        const moved = values.map((value, j) => (i === j ? value + by : value));
        return fn(rebuild(tensors.map((each, l) => (l === k ? tensor(moved, leaf.shape) : each))));
      };
      slopes.push(((await at(h)) - (await at(-h))) / (2 * h));
    }
  }
  return slopes;
}

/** All elements of a tree, in its fixed order. */
export function elements(tree: unknown): number[] {
  return flatten(tree).tensors.flatMap(toList);
}

/** Determinant by elimination with pivots. */
export function determinant(rows: readonly (readonly number[])[]): number {
  const a = rows.map((row) => [...row]);
  let product = 1;
  for (let k = 0; k < a.length; k++) {
    const pivot = a
      .slice(k)
      .reduce((best, row, i) => (Math.abs(row[k]) > Math.abs(a[best][k]) ? k + i : best), k);
    if (pivot !== k) {
      [a[k], a[pivot]] = [a[pivot], a[k]];
      product = -product;
    }
    product *= a[k][k];
    for (let i = k + 1; i < a.length; i++) {
      const factor = a[i][k] / a[k][k];
      for (let j = k; j < a.length; j++) a[i][j] -= factor * a[k][j];
    }
  }
  return product;
}

export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i] - b[i]));
  return largest;
}

export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum / values.length;
}
