/** Rows of weights, laid out for all groups that a step is given. */
import type { Nodes } from './step-grid.ts';

/** Weights of the groups at `nodes`, 0 for those passed over, and behind all `given` ones those of the `fresh`. */
export function placed(
  { places }: Nodes,
  given: number,
  weights: readonly number[],
  fresh: readonly number[],
): number[] {
  const row = new Array<number>(given).fill(0);
  weights.forEach((weight, i) => {
    row[places[i]] = weight;
  });
  return [...row, ...fresh];
}

export function transposed(rows: readonly (readonly number[])[]): number[][] {
  return rows[0].map((_, j) => rows.map((row) => row[j]));
}
