/** The first column: numbers or dates, strictly increasing. */
import { InputError } from '../failure.ts';
import type { Row } from './cells.ts';
import { parseNumber } from './numbers.ts';
import { showTime, type TimeKind } from './table.ts';

export interface Times {
  readonly kind: TimeKind;
  readonly times: Float64Array;
  readonly notes: readonly string[];
}

/** Where a complaint points to. */
export type Place = (row: Row, column: number) => string;

/** Reads the times of all rows, or complains about the first that is none. */
export function readTimes(rows: readonly Row[], decimalComma: boolean, place: Place): Times {
  const cells = rows.map(({ cells }) => cells[0]!);
  const { kind, read, notes } = chooseFormat(cells, decimalComma);
  const times = new Float64Array(rows.length);
  for (const [i, row] of rows.entries()) {
    times[i] = readOne(row, kind, read, place);
    if (i > 0 && !(times[i]! > times[i - 1]!)) throw notIncreasing(rows, times, i, kind, place);
  }
  return { kind, times, notes };
}

interface Format {
  readonly kind: TimeKind;
  readonly read: (cell: string) => number | undefined;
  readonly notes: readonly string[];
}

/** The first cell that looks like a time decides; 20010330 is a date if every cell is such a one. */
function chooseFormat(cells: readonly string[], decimalComma: boolean): Format {
  if (cells.every((cell) => parseCompactDate(cell) !== undefined)) {
    const note = `The times were read as dates written YYYYMMDD (${cells[0]} is ${showTime('date', parseCompactDate(cells[0]!)!)}).`;
    return { kind: 'date', read: parseCompactDate, notes: [note] };
  }
  if (cells.some((cell) => parseIsoDate(cell) !== undefined)) {
    return { kind: 'date', read: parseIsoDate, notes: [] };
  }
  return { kind: 'number', read: (cell) => parseNumber(cell, decimalComma), notes: [] };
}

function readOne(row: Row, kind: TimeKind, read: Format['read'], place: Place): number {
  const cell = row.cells[0]!;
  const time = read(cell);
  if (time !== undefined) return time;
  const expected =
    kind === 'date' ? 'a date such as 2001-03-30' : 'a number or a date such as 2001-03-30';
  const got = cell === '' ? 'the time is empty' : `"${cell}" is not a time`;
  throw new InputError(`${place(row, 0)}: ${got}; it must be ${expected}.`);
}

function notIncreasing(
  rows: readonly Row[],
  times: Float64Array,
  i: number,
  kind: TimeKind,
  place: Place,
): InputError {
  const now = showTime(kind, times[i]!);
  const before = `${showTime(kind, times[i - 1]!)} of line ${rows[i - 1]!.line}`;
  return new InputError(
    times[i] === times[i - 1]
      ? `${place(rows[i]!, 0)}: time ${now} repeats that of line ${rows[i - 1]!.line}; each time may stand in one row only.`
      : `${place(rows[i]!, 0)}: time ${now} comes before ${before}; sort the rows by time.`,
  );
}

const isoDate =
  /^(\d{4})[-/](\d{1,2})(?:[-/](\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?\s*(Z|[+-]\d{2}:?\d{2})?)?)?$/i;

/** Days since 1970-01-01 of `2001-03`, `2001-03-30`, `2001-03-30 14:05`, …; no zone means UTC. */
export function parseIsoDate(cell: string): number | undefined {
  const match = isoDate.exec(cell);
  if (match === null) return undefined;
  const [, year, month, day = '1', hour = '0', minute = '0', second = '0', zone = 'Z'] = match;
  const days = daysOf(Number(year), Number(month), Number(day));
  if (days === undefined) return undefined;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) >= 60) return undefined;
  const seconds = Number(hour) * 3600 + Number(minute) * 60 + Number(second) - zoneSeconds(zone);
  return days + seconds / 86_400;
}

function zoneSeconds(zone: string): number {
  if (zone.toUpperCase() === 'Z') return 0;
  const sign = zone.startsWith('-') ? -1 : 1;
  return sign * (Number(zone.slice(1, 3)) * 3600 + Number(zone.slice(-2)) * 60);
}

/** Days since 1970-01-01 of `20010330`. */
export function parseCompactDate(cell: string): number | undefined {
  const match = /^(1[5-9]\d\d|2[01]\d\d)(\d\d)(\d\d)$/.exec(cell);
  return match === null ? undefined : daysOf(Number(match[1]), Number(match[2]), Number(match[3]));
}

/** Undefined for a day that the calendar does not have. */
function daysOf(year: number, month: number, day: number): number | undefined {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const exists = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return exists ? date.getTime() / 86_400_000 : undefined;
}
