/** Charts on one sheet, in rows, as an SVG file that stands alone; each with its title and the names of its colours. */
import * as Plot from '@observablehq/plot';
import { html, Markup } from '../report/html.ts';
import { below, type Point, plotSvg } from '../report/svg.ts';

export interface Panel {
  readonly title: string;
  readonly legend: readonly { readonly name: string; readonly colour: string }[];
  /** An SVG element of `panelSize`. */
  readonly svg: string;
}

/** The colours of a sheet, in the order in which they are told apart best. */
export const colours = ['#1f66d1', '#c2500c', '#0f8a6a', '#7a4fd0', '#8a7a0f', '#b0306a'] as const;

export const panelSize = { width: 380, height: 270 } as const;
const head = 44;
const gap = 24;

/** The whole sheet; `title` is what a reader who cannot see it is told. */
export function panelsSvg(title: string, rows: readonly (readonly Panel[])[]): string {
  const columns = Math.max(...rows.map((panels) => panels.length));
  const width = gap + columns * (panelSize.width + gap);
  const height = gap + rows.length * (head + panelSize.height + gap);
  const cells = rows.flatMap((panels, r) =>
    panels.map((panel, c) => {
      const x = gap + c * (panelSize.width + gap);
      const y = gap + r * (head + panelSize.height + gap);
      const names = panel.legend.map(
        ({ name, colour }) => html`<tspan fill="${colour}" dx="10">■ ${name}</tspan>`,
      );
      return html`<g transform="translate(${x} ${y})"><text font-weight="600">${panel.title}</text><text y="20" x="-10">${names}</text><g transform="translate(0 ${head - 16})">${new Markup(panel.svg)}</g></g>`;
    }),
  );
  return html`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">
<style>svg { color: #1c2330; font: 13px system-ui, sans-serif; } text { fill: #1c2330; }</style>
<rect width="100%" height="100%" fill="#ffffff"/>
${cells}
</svg>
`.text;
}

export interface Curve {
  readonly name: string;
  readonly points: readonly Point[];
}

export interface CurvesPanel {
  readonly title: string;
  readonly x: Plot.ScaleOptions & { readonly label: string };
  readonly y: Plot.ScaleOptions & { readonly label: string };
  /** Those of one name have one colour. */
  readonly curves: readonly Curve[];
  /** Whether the points of curves are marked, and joined. */
  readonly marked: 'dots' | 'lines' | 'both';
  /** A level to compare with. */
  readonly level?: number;
}

/** Curves over one axis. */
export function curvesPanel(panel: CurvesPanel): Panel {
  const { title, curves, marked, level } = panel;
  const legend = legendOf(curves);
  const colourOf = (name: string): string => legend.find((each) => each.name === name)!.colour;
  const marks = curves.map(({ name, points }) => [
    marked === 'dots'
      ? null
      : Plot.line(points, { x: 'x', y: 'y', stroke: colourOf(name), strokeWidth: 1.6 }),
    marked === 'lines' ? null : Plot.dot(points, { x: 'x', y: 'y', fill: colourOf(name), r: 2.6 }),
  ]);
  const svg = plotSvg(
    {
      ...panelSize,
      x: { ...below(panel.x.label), ...panel.x },
      y: { grid: true, ...panel.y },
      marks: [
        level === undefined ? null : Plot.ruleY([level], { strokeDasharray: '4 3' }),
        ...marks,
      ],
    },
    { title, description: curves.map(({ name }) => name).join(', ') },
  );
  return { title, legend, svg };
}

function legendOf(curves: readonly Curve[]): Panel['legend'] {
  const names = [...new Set(curves.map(({ name }) => name))];
  return names.map((name, i) => ({ name, colour: colours[i % colours.length]! }));
}
