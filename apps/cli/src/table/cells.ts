/** From text to cells: delimiter, quotes, comments, header. The parsing itself is csv-parse's. */
import { CsvError, parse } from 'csv-parse/sync';
import { InputError } from '../failure.ts';

/** A row of cells and the line of the file that it ends on. */
export interface Row {
  readonly line: number;
  readonly cells: readonly string[];
}

export interface Cells {
  readonly delimiter: string;
  /** Absent where the file starts with numbers at once. */
  readonly header: Row | undefined;
  readonly rows: readonly Row[];
}

const delimiters = [',', ';', '\t'] as const;

/** Splits a table's text; every row has as many cells as the first. */
export function readCells(file: string, text: string): Cells {
  const delimiter = detectDelimiter(text);
  const all = dropEmptyLastColumn(parseRows(file, text, delimiter));
  const first = all[0];
  if (first === undefined) throw noRows(file);
  requireEqualLengths(file, all);
  const headed = hasWords(first);
  const rows = headed ? all.slice(1) : all;
  if (rows.length === 0) throw noRows(file);
  return { delimiter, header: headed ? first : undefined, rows };
}

function noRows(file: string): InputError {
  return new InputError(`${file}: the table has no rows.`);
}

/** The candidate that splits the first line which is no comment into most parts. */
function detectDelimiter(text: string): string {
  const first = text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\n|\r/, 200)
    .find((line) => line.trim() !== '' && !line.trimStart().startsWith('#'));
  const bare = (first ?? '').replace(/"[^"]*"/g, '');
  const count = (delimiter: string) => bare.split(delimiter).length;
  // a semicolon or a tab wins a tie: beside it the comma is a decimal comma
  return [...delimiters]
    .reverse()
    .reduce((best, next) => (count(next) > count(best) ? next : best));
}

function parseRows(file: string, text: string, delimiter: string): Row[] {
  try {
    const parsed = parse(text, {
      bom: true,
      comment: '#',
      comment_no_infix: true,
      delimiter,
      info: true,
      record_delimiter: ['\r\n', '\n', '\r'],
      relax_column_count: true,
      skip_empty_lines: true,
      // spaces only: a tab may be the delimiter
      ltrim: true,
      rtrim: true,
    }) as unknown as { info: { lines: number }; record: string[] }[];
    return parsed
      .map(({ info, record }) => ({ line: info.lines, cells: record }))
      .filter(({ cells }) => cells.some((cell) => cell !== ''));
  } catch (error) {
    if (error instanceof CsvError) throw new InputError(`${file}${whyUnparsed(error)}`);
    throw error;
  }
}

function whyUnparsed(error: CsvError): string {
  const { lines } = error as unknown as { lines?: number };
  const place = lines === undefined ? '' : `, line ${lines}`;
  if (error.code === 'CSV_QUOTE_NOT_CLOSED') return `${place}: a quote is opened and never closed.`;
  if (error.code === 'INVALID_OPENING_QUOTE' || error.code === 'CSV_INVALID_CLOSING_QUOTE') {
    return `${place}: a quote stands inside a cell; a quoted cell starts and ends with one.`;
  }
  return `${place}: ${error.message}`;
}

/** Spreadsheets like to end each line with a delimiter. */
function dropEmptyLastColumn(rows: Row[]): Row[] {
  const width = rows[0]?.cells.length ?? 0;
  const last = width - 1;
  if (width < 2 || rows.some(({ cells }) => cells.length > width || (cells[last] ?? '') !== '')) {
    return rows;
  }
  return rows.map(({ line, cells }) => ({ line, cells: cells.slice(0, last) }));
}

function requireEqualLengths(file: string, rows: readonly Row[]): void {
  const width = rows[0]!.cells.length;
  if (width < 2) {
    throw new InputError(
      `${file}, line ${rows[0]!.line}: the table needs two columns or more, the first one time; ` +
        'cells are separated by commas, semicolons or tabs.',
    );
  }
  const odd = rows.find(({ cells }) => cells.length !== width);
  if (odd === undefined) return;
  throw new InputError(
    `${file}, line ${odd.line}: ${countCells(odd.cells.length)} where the first line has ${width}.`,
  );
}

function countCells(count: number): string {
  return count === 1 ? '1 cell' : `${count} cells`;
}

/** A header is a first line with a word in it: neither number, date nor a mark for a missing value. */
function hasWords(row: Row): boolean {
  return row.cells.some((cell) => !isMissing(cell) && !/^[-+]?[\d.,]/.test(cell));
}

const missingMarks = new Set(['', 'na', 'n/a', '#n/a', 'nan', 'null', 'none', '?', '-', '.']);

/** Whether a cell says that there is no value. */
export function isMissing(cell: string): boolean {
  return missingMarks.has(cell.toLowerCase());
}
