/** A table of measurements over time, read and checked. */

/** How the first column counts time. */
export type TimeKind = 'number' | 'date';

export interface Table {
  /** The file, as the person named it. */
  readonly file: string;
  readonly timeName: string;
  readonly timeKind: TimeKind;
  /** Strictly increasing; for dates, days since 1970-01-01 (UTC). */
  readonly times: Float64Array;
  readonly columns: readonly string[];
  /** One row a time, one value a column; NaN where the cell is empty. */
  readonly values: readonly Float64Array[];
  /** What the reader decided and the person may want to know, one sentence each. */
  readonly notes: readonly string[];
}

/** A time as the person would write it. */
export function showTime(kind: TimeKind, time: number): string {
  if (kind === 'number') return String(Number(time.toPrecision(12)));
  const iso = new Date(Math.round(time * 86_400_000)).toISOString();
  return iso.endsWith('T00:00:00.000Z') ? iso.slice(0, 10) : iso.slice(0, 16).replace('T', ' ');
}
