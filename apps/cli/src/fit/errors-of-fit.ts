/** How far the model is from the table, in the table's units. */
import type { FitErrors } from '../report/fit-report.ts';
import type { Series } from './series.ts';

type Rows = readonly ArrayLike<number>[];

/** Root mean square over the values that are there; null where none is. */
export function rmse(observed: Rows, said: Rows, columns: readonly number[]): number | null {
  let sum = 0;
  let count = 0;
  for (const [i, row] of observed.entries()) {
    for (const c of columns) {
      const miss = row[c]! - said[i]![c]!;
      if (Number.isNaN(row[c]!)) continue;
      sum += miss * miss;
      count++;
    }
  }
  return count === 0 ? null : Math.sqrt(sum / count);
}

/** Errors over the given columns: of the fit, of the forecast, and of repeating the last value trained on. */
export function errorsOf(
  { table, trainRows }: Series,
  rows: Rows,
  columns: readonly number[],
): FitErrors {
  const { values } = table;
  const ahead = values.slice(trainRows);
  const last = lastValues(values.slice(0, trainRows), table.columns.length);
  return {
    train: rmse(values.slice(0, trainRows), rows, columns),
    test: rmse(ahead, rows.slice(trainRows), columns),
    baseline: rmse(
      ahead,
      ahead.map(() => last),
      columns,
    ),
  };
}

function lastValues(values: Rows, columns: number): number[] {
  return Array.from({ length: columns }, (_, c) => {
    const known = values.filter((row) => !Number.isNaN(row[c]!));
    return known.at(-1)![c]!;
  });
}
