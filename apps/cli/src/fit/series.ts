/** A table made ready for the model. */
import type { Table } from '../table/table.ts';
import { type ColumnScale, fitScale, toModel } from './scaling.ts';

export interface Series {
  readonly table: Table;
  /** The first rows, which are trained on. */
  readonly trainRows: number;
  readonly scales: readonly ColumnScale[];
  /** The model's time: 0 at the first row, 1 unit = `unit` of the table's. */
  readonly times: Float64Array;
  readonly unit: number;
  /** The usual distance of two rows, in the model's time. */
  readonly spacing: number;
  /** Rows by columns, in the model's values; NaN where missing. */
  readonly values: readonly Float64Array[];
}

export function prepareSeries(table: Table, trainRows: number): Series {
  const scales = table.columns.map((_, c) =>
    fitScale(table.values.slice(0, trainRows).map((row) => row[c]!)),
  );
  const values = table.values.map((row) =>
    Float64Array.from(row, (value, c) => toModel(scales[c]!, value)),
  );
  const first = table.times[0]!;
  const spacing = medianSpacing(table.times.subarray(0, trainRows));
  const unit = spacing * Math.max(1, 1 / meanMove(values.slice(0, trainRows)));
  return {
    table,
    trainRows,
    scales,
    times: table.times.map((time) => (time - first) / unit),
    unit,
    spacing: spacing / unit,
    values,
  };
}

function medianSpacing(times: Float64Array): number {
  const gaps = Float64Array.from(times.subarray(1), (time, i) => time - times[i]!).sort();
  return gaps[Math.floor(gaps.length / 2)]!;
}

/**
 * How far a value moves from one row to the next, as a root mean square. The model's time is counted in moves of size
 * one, so that a field of size one has the pace of the data, be they hourly or yearly.
 */
function meanMove(values: readonly Float64Array[]): number {
  let sum = 0;
  let count = 0;
  for (let i = 1; i < values.length; i++) {
    for (const [c, value] of values[i]!.entries()) {
      const move = value - values[i - 1]![c]!;
      if (Number.isNaN(move)) continue;
      sum += move * move;
      count++;
    }
  }
  // no two neighbours known, or nothing moves: any pace will do
  return count === 0 || sum === 0 ? 1 : Math.max(Math.sqrt(sum / count), 1e-3);
}
