/** A page of docs/results: a table or two, a figure, and the command that made them. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
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
}

export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Writes `<name>.md` and `<name>.svg` into a folder; gives the first one's path. */
export async function writePage(page: ResultPage, folder: string): Promise<string> {
  const { name, title, command, paragraphs, tables, figure } = page;
  const parts = [
    `# ${title}`,
    `\`${invocation()} ${command}\`, with the fused runtime in float32; times are by the clock, whatever else the machine did.`,
    ...paragraphs,
    ...tables.map(tableText),
    `![${figure.caption}](${name}.svg)`,
  ];
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${name}.svg`), figure.svg);
  const path = join(folder, `${name}.md`);
  await writeFile(path, `${parts.join('\n\n')}\n`);
  return path;
}

/** With columns of one width, as a formatter would leave it. */
function tableText({ head, rows }: Table): string {
  const widths = head.map((cell, i) =>
    Math.max(3, cell.length, ...rows.map((row) => row[i]!.length)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`;
  const rule = widths.map((width) => '-'.repeat(width));
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}
