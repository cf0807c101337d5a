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
const gap = 24;
const lineHeight = 18;
/** Letters of a legend that fit beside each other, marks counted as four. */
const lettersInLine = 52;

/** The whole sheet; `title` is what a reader who cannot see it is told. */
export function panelsSvg(title: string, rows: readonly (readonly Panel[])[]): string {
  const columns = Math.max(...rows.map((panels) => panels.length));
  const width = gap + columns * (panelSize.width + gap);
  let y = gap;
  const cells = rows.flatMap((panels) => {
    const top = y;
    const legends = panels.map(({ legend }) => inLines(legend));
    const head = 10 + lineHeight * Math.max(...legends.map((lines) => lines.length));
    y += head + panelSize.height + 2 * gap;
    return panels.map((panel, c) => {
      const x = gap + c * (panelSize.width + gap);
      return html`<g transform="translate(${x} ${top})"><text font-weight="600">${panel.title}</text>${legends[c]!.map(legendLine)}<g transform="translate(0 ${head})">${new Markup(panel.svg)}</g></g>`;
    });
  });
  return html`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${y}" viewBox="0 0 ${width} ${y}" role="img" aria-label="${title}">
<style>svg { color: #1c2330; font: 13px system-ui, sans-serif; } text { fill: #1c2330; }</style>
<rect width="100%" height="100%" fill="#ffffff"/>
${cells}
</svg>
`.text;
}

type Legend = Panel['legend'];

function inLines(legend: Legend): readonly Legend[] {
  const lines: { letters: number; names: Legend[number][] }[] = [];
  for (const entry of legend) {
    const letters = entry.name.length + 4;
    const last = lines.at(-1);
    if (last === undefined || last.letters + letters > lettersInLine) {
      lines.push({ letters, names: [entry] });
    } else {
      last.letters += letters;
      last.names.push(entry);
    }
  }
  return lines.map(({ names }) => names);
}

function legendLine(legend: Legend, line: number): Markup {
  const names = legend.map(
    ({ name, colour }) => html`<tspan fill="${colour}" dx="10">■ ${name}</tspan>`,
  );
  return html`<text y="${20 + lineHeight * line}" x="-10">${names}</text>`;
}

export interface Curve {
  readonly name: string;
  readonly points: readonly Point[];
  /** If not as the panel's others. */
  readonly marked?: Marked;
}

/** How the points of a curve are drawn. */
type Marked = 'dots' | 'lines' | 'both';

export interface CurvesPanel {
  readonly title: string;
  readonly x: Plot.ScaleOptions & { readonly label: string };
  readonly y: Plot.ScaleOptions & { readonly label: string };
  /** Those of one name have one colour. */
  readonly curves: readonly Curve[];
  readonly marked: Marked;
  /** A level to compare with. */
  readonly level?: number;
}

/** Curves over one axis. */
export function curvesPanel(panel: CurvesPanel): Panel {
  const { title, curves, level } = panel;
  const legend = legendOf(curves);
  const colourOf = (name: string): string => legend.find((each) => each.name === name)!.colour;
  const marks = curves.map(({ name, points, marked = panel.marked }) => [
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

function legendOf(curves: readonly Curve[]): Legend {
  const names = [...new Set(curves.map(({ name }) => name))];
  return names.map((name, i) => ({ name, colour: colours[i % colours.length]! }));
}
