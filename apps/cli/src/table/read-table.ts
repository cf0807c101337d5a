/**
 * Reads a table of measurements: the first column is time, the others are values.
 *
 * Accepted as people have them: comma, semicolon or tab between cells, quotes, `#` comments, spaces around names,
 * a byte order mark, decimal commas beside semicolons, with or without a header. Refused, with file, line and column:
 * whatever would have to be guessed.
 */
import { InputError } from '../failure.ts';
import { type Cells, isMissing, type Row, readCells } from './cells.ts';
import { closest } from './closest.ts';
import { parseNumber, usesDecimalComma } from './numbers.ts';
import { readText } from './read-text.ts';
import type { Table } from './table.ts';
import { readTimes } from './times.ts';

/** A table and the bytes that it was read from. */
export interface ReadTable {
  readonly table: Table;
  readonly bytes: Uint8Array;
}

/** Reads `file`; `wanted` names the value columns to take (all, if absent). */
export async function readTable(file: string, wanted?: readonly string[]): Promise<ReadTable> {
  const { text, bytes } = await readText(file);
  return { table: parseTable(file, text, wanted), bytes };
}

/** The same from text that is at hand; `file` is for messages. */
export function parseTable(file: string, text: string, wanted?: readonly string[]): Table {
  const cells = readCells(file, text);
  const names = columnNames(file, cells);
  const chosen = chooseColumns(file, names, wanted);
  const place = (row: Row, column: number) =>
    `${file}, line ${row.line}, column "${names[column]}"`;
  const decimalComma = usesDecimalComma(cells.delimiter, numericCells(cells, chosen));
  const { kind, times, notes } = readTimes(cells.rows, decimalComma, place);
  const values = cells.rows.map((row) =>
    Float64Array.from(chosen, (column) => readValue(row, column, decimalComma, place)),
  );
  requireSomeValues(file, names, chosen, values);
  return {
    file,
    timeName: names[0]!,
    timeKind: kind,
    times,
    columns: chosen.map((column) => names[column]!),
    values,
    notes: decimalComma ? [...notes, 'Commas inside numbers were read as decimal commas.'] : notes,
  };
}

function* numericCells({ rows }: Cells, chosen: readonly number[]): Iterable<string> {
  for (const { cells } of rows) {
    yield cells[0]!;
    for (const column of chosen) yield cells[column]!;
  }
}

function columnNames(file: string, { header, rows }: Cells): string[] {
  const unnamed = (i: number) => (i === 0 ? 'time' : `column ${i + 1}`);
  const names = Array.from(rows[0]!.cells, (_, i) => oneLine(header?.cells[i]) || unnamed(i));
  const repeated = names.find((name, i) => names.indexOf(name) !== i);
  if (repeated !== undefined) {
    throw new InputError(
      `${file}, line ${header!.line}: two columns are named "${repeated}"; names must differ.`,
    );
  }
  return names;
}

function oneLine(name: string | undefined): string {
  return (name ?? '').replace(/\s+/g, ' ').trim();
}

/** Places of the wanted columns, in the order wanted. */
function chooseColumns(
  file: string,
  names: readonly string[],
  wanted: readonly string[] | undefined,
): number[] {
  if (wanted === undefined) return names.slice(1).map((_, i) => i + 1);
  const chosen = wanted.map((name) => placeOf(file, names, name));
  const twice = wanted.find((name, i) => wanted.indexOf(name) !== i);
  if (twice !== undefined) throw new InputError(`column "${twice}" is asked for twice.`);
  return chosen;
}

function placeOf(file: string, names: readonly string[], name: string): number {
  const place = names.indexOf(name);
  if (place > 0) return place;
  if (place === 0) {
    throw new InputError(`${file}: column "${name}" is the time; name columns of values.`);
  }
  const values = names.slice(1);
  const near = closest(name, values);
  const hint = near === undefined ? '' : ` (did you mean "${near}"?)`;
  throw new InputError(
    `${file}: there is no column "${name}"${hint}; the columns are ${values.join(', ')}.`,
  );
}

function readValue(
  row: Row,
  column: number,
  decimalComma: boolean,
  place: (row: Row, column: number) => string,
): number {
  const cell = row.cells[column]!;
  if (isMissing(cell)) return Number.NaN;
  const value = parseNumber(cell, decimalComma);
  if (value !== undefined) return value;
  throw new InputError(
    `${place(row, column)}: "${cell}" is not a number; leave the cell empty where a value is missing.`,
  );
}

function requireSomeValues(
  file: string,
  names: readonly string[],
  chosen: readonly number[],
  values: readonly Float64Array[],
): void {
  for (const [i, column] of chosen.entries()) {
    if (values.every((row) => Number.isNaN(row[i]))) {
      throw new InputError(
        `${file}, column "${names[column]}": every cell is empty; leave the column out with --columns.`,
      );
    }
  }
}
