/** Errors against work as SVG: a panel for each problem, a curve for each method. */
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import type { Row } from './tasks.ts';

const panel = { width: 300, height: 300 };
const legendWidth = 180;
const colours = [
  '#4269d0',
  '#ff725c',
  '#3ca951',
  '#efb118',
  '#a463f2',
  '#97bbf5',
  '#9c6b4e',
  '#ff8ab7',
  '#6cc5b0',
  '#9498a0',
  '#b5651d',
  '#1f2937',
  '#c2185b',
  '#00838f',
  '#827717',
  '#5e35b1',
];

const nameOf = ({ system, method }: Row): string => `${system} ${method}`;

const isOurs = ({ system }: Row): boolean => system === 'neuralode';

interface Chart {
  readonly rows: readonly Row[];
  readonly work: 'nfe' | 'milliseconds';
  readonly title: string;
}

/** The whole picture as the text of an SVG file. */
export function plotSvg({ rows, work, title }: Chart): string {
  const shown = rows.filter((row) => row[work] !== null).sort((a, b) => a.rtol - b.rtol);
  const problems = [...new Set(shown.map(({ problem }) => problem))];
  const names = [...new Set(rows.filter((row) => row[work] !== null).map(nameOf))];
  const width = panel.width * problems.length;
  const encoding = { x: work, y: 'error', fx: 'problem', stroke: nameOf, z: nameOf } as const;
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const svg = Plot.plot({
    document: document as unknown as Document,
    width,
    height: panel.height,
    marginLeft: 56,
    marginBottom: 44,
    x: { type: 'log', label: work === 'nfe' ? 'evaluations' : 'milliseconds', tickFormat: '~s' },
    y: { type: 'log', label: 'relative error at the end', tickFormat: '.0e', grid: true },
    fx: { label: null, domain: problems },
    color: { domain: names, range: colours },
    marks: [
      Plot.line(shown.filter(isOurs), { ...encoding, strokeWidth: 2.2 }),
      Plot.line(
        shown.filter((row) => !isOurs(row)),
        { ...encoding, strokeWidth: 1, strokeDasharray: '3 2' },
      ),
      Plot.dot(shown, { x: work, y: 'error', fx: 'problem', fill: nameOf, r: 1.6 }),
    ],
  });
  const legend = names.map((name, i) => legendLine(name, colours[i % colours.length], width, i));
  const size = `width="${width + legendWidth}" height="${panel.height + 24}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="system-ui, sans-serif" font-size="12">`,
    '<rect width="100%" height="100%" fill="white"/>',
    `<text x="8" y="16" font-weight="bold">${title}</text>`,
    `<g transform="translate(0,24)">${svg.outerHTML}</g>`,
    ...legend,
    '</svg>\n',
  ].join('\n');
}

function legendLine(name: string, colour: string, left: number, index: number): string {
  const y = 40 + 17 * index;
  const own = name.startsWith('neuralode');
  const dash = own ? '' : ' stroke-dasharray="3 2"';
  const stroke = `stroke="${colour}" stroke-width="${own ? 2.2 : 1}"${dash}`;
  return `<line x1="${left + 8}" x2="${left + 32}" y1="${y - 4}" y2="${y - 4}" ${stroke}/><text x="${left + 38}" y="${y}">${name}</text>`;
}
