/** Peak bytes against steps as SVG: a curve for each method of each system, with its name at its end. */
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';

export interface MemoryRow {
  readonly system: string;
  readonly method: string;
  readonly steps: number;
  readonly peakBytes: number;
}

const nameOf = ({ system, method }: MemoryRow): string => `${system} ${method}`;

const isOurs = ({ system }: MemoryRow): boolean => system === 'neuralode';

/** Names at the ends of the curves, each as high as its curve or as much higher as keeps it clear of the one below. */
function labelsOf(last: readonly MemoryRow[]): (MemoryRow & { readonly height: number })[] {
  const apart = 1.5;
  let height = 0;
  return last
    .toSorted((a, b) => a.peakBytes - b.peakBytes)
    .map((row) => {
      height = Math.max(row.peakBytes, apart * height);
      return { ...row, height };
    });
}

/** The picture as the text of an SVG file. */
export function plotMemory(rows: readonly MemoryRow[]): string {
  const encoding = { x: 'steps', y: 'peakBytes', stroke: nameOf, z: nameOf } as const;
  const most = Math.max(...rows.map(({ steps }) => steps));
  const last = rows.filter(({ steps }) => steps === most);
  const label = {
    x: 'steps',
    y: 'height',
    text: nameOf,
    fill: nameOf,
    textAnchor: 'start',
    dx: 8,
  } as const;
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const svg = Plot.plot({
    document: document as unknown as Document,
    width: 720,
    height: 400,
    marginLeft: 64,
    marginRight: 170,
    marginBottom: 44,
    style: { background: 'white' },
    x: { type: 'log', label: 'steps', tickFormat: '~s' },
    y: { type: 'log', label: 'peak bytes', tickFormat: '~s', grid: true },
    marks: [
      Plot.line(rows.filter(isOurs), { ...encoding, strokeWidth: 2.2 }),
      Plot.line(
        rows.filter((row) => !isOurs(row)),
        { ...encoding, strokeWidth: 1.2, strokeDasharray: '4 3' },
      ),
      Plot.dot(rows, { x: 'steps', y: 'peakBytes', fill: nameOf, r: 2 }),
      Plot.text(labelsOf(last), label),
    ],
  });
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', 'Peak bytes of a backward pass against the number of steps');
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  return `${svg.outerHTML}\n`;
}
