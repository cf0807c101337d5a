/** Which rows are trained on and which are forecast. */
import { InputError } from '../failure.ts';
import type { FitOptions } from '../options.ts';
import { parseNumber } from '../table/numbers.ts';
import { showTime, type Table } from '../table/table.ts';
import { parseCompactDate, parseIsoDate } from '../table/times.ts';

/** Fewer values than this say nothing about a column's movement. */
const fewestValues = 4;

const defaultHoldout = 0.2;

/** How many of the first rows are trained on. */
export function countTrainingRows(
  table: Table,
  options: Pick<FitOptions, 'trainUntil' | 'holdout'>,
): number {
  const count =
    options.trainUntil === undefined
      ? rowsBeforeHoldout(table, options.holdout ?? defaultHoldout)
      : rowsUntil(table, options.trainUntil);
  requireEnough(table, count);
  return count;
}

function rowsBeforeHoldout({ times }: Table, holdout: number): number {
  return times.length - Math.floor(times.length * holdout + 1e-9);
}

function rowsUntil(table: Table, text: string): number {
  const { timeKind: kind, times, file } = table;
  const until =
    kind === 'date' ? (parseIsoDate(text) ?? parseCompactDate(text)) : parseNumber(text, false);
  if (until === undefined) {
    const expected = kind === 'date' ? 'a date such as' : 'a number such as';
    throw new InputError(
      `--train-until: "${text}" is not ${expected} ${showTime(kind, times.at(-1)!)}, as in ${file}.`,
    );
  }
  const after = times.findIndex((time) => time > until);
  return after < 0 ? times.length : after;
}

function requireEnough({ file, columns, values, timeKind, times }: Table, count: number): void {
  for (const [i, name] of columns.entries()) {
    const known = values.slice(0, count).filter((row) => !Number.isNaN(row[i])).length;
    if (known >= fewestValues) continue;
    const until =
      count === 0 ? 'before the forecast' : `up to ${showTime(timeKind, times[count - 1]!)}`;
    throw new InputError(
      `${file}, column "${name}": there are ${known} values ${until} to train on, and it takes ${fewestValues}.`,
    );
  }
}
