/** A page of docs/results: a table or two, a figure, and the command that made them. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { backendTitles } from '../backend.ts';
import type { BackendName } from '../options.ts';
import { invocation } from '../terminal.ts';

export interface ResultPage {
  /** Of the files, without ending. */
  readonly name: string;
  readonly title: string;
  readonly command: string;
  readonly paragraphs: readonly string[];
  readonly tables: readonly Table[];
  /** A drawing as SVG text, and what it shows. */
  readonly figure: { readonly svg: string; readonly caption: string };
  /** All figures behind the page, as JSON. */
  readonly data?: unknown;
  /** Whether Ctrl-C ended the trainings behind it early; the page has what they reached. */
  readonly stopped?: boolean;
}

export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Writes `<name>.md`, `<name>.svg` and, where there are data, `<name>.json` into a folder; gives the first one's path. */
export async function writePage(
  page: ResultPage,
  backend: BackendName,
  folder: string,
): Promise<string> {
  const { name, title, command, paragraphs, tables, figure, data } = page;
  const parts = [
    `# ${title}`,
    `\`${invocation()} ${command}\`, on the backend ${backendTitles[backend]}; times are by the clock, whatever else the machine did.`,
    ...paragraphs,
    ...tables.map(tableText),
    `![${figure.caption}](${name}.svg)`,
    ...(data === undefined ? [] : [`All figures are in [${name}.json](${name}.json).`]),
  ];
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${name}.svg`), figure.svg);
  if (data !== undefined) {
    await writeFile(join(folder, `${name}.json`), jsonText(data));
  }
  const path = join(folder, `${name}.md`);
  await writeFile(path, `${parts.join('\n\n')}\n`);
  return path;
}

/** Columns that a text takes: marks above a letter, as in L̃, take none. */
const widthOf = (text: string): number => text.replace(/\p{M}/gu, '').length;

/** With columns of one width, as a formatter would leave it. */
function tableText({ head, rows }: Table): string {
  const widths = head.map((cell, i) =>
    Math.max(3, widthOf(cell), ...rows.map((row) => widthOf(row[i]!))),
  );
  const padded = (cell: string, width: number): string => cell + ' '.repeat(width - widthOf(cell));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => padded(cell, widths[i]!)).join(' | ')} |`;
  const rule = widths.map((width) => '-'.repeat(width));
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}

/** Indented, lists of numbers on a line each, and numbers to six digits. */
function jsonText(data: unknown): string {
  const rounded = (_: string, value: unknown): unknown =>
    typeof value === 'number' ? Number(value.toPrecision(6)) : value;
  const text = JSON.stringify(data, rounded, 2);
  return `${text.replace(/\[[\s\d.,e+-]*\]/g, (list) => list.replace(/\s+/g, ' '))}\n`;
}
