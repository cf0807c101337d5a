/** Drawings of the plane on one sheet, in rows, as an SVG file that stands alone. */
import { type PlaneDrawing, planeSvg } from '../report/density-map.ts';
import { html, Markup } from '../report/html.ts';

export interface SheetRow {
  readonly title: string;
  readonly drawings: readonly { readonly title: string; readonly drawing: PlaneDrawing }[];
}

const side = 240;
const gap = 14;
const caption = 22;
const margin = 130;

/** The whole sheet; `title` is what a reader who cannot see it is told. */
export function sheetSvg(title: string, rows: readonly SheetRow[]): string {
  const columns = Math.max(...rows.map(({ drawings }) => drawings.length));
  const width = margin + columns * (side + gap);
  const height = rows.length * (side + caption + gap) + gap;
  const parts = rows.flatMap(({ title: name, drawings }, r) => {
    const y = gap + r * (side + caption + gap);
    const cells = drawings.map(({ title: above, drawing }, c) => {
      const inner = planeSvg(drawing, { title: `${name}, ${above}`, description: '' });
      const x = margin + c * (side + gap);
      return html`<g transform="translate(${x} ${y})"><text y="14">${above}</text><g transform="translate(0 ${caption})">${new Markup(inner)}</g></g>`;
    });
    return [html`<text x="10" y="${y + caption + side / 2}">${name}</text>`, cells];
  });
  return html`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">
<style>svg { --rule: #dde2ea; --ink: #1c2330; --fit: #1f66d1; --forecast: #c2500c; } text { font: 14px system-ui, sans-serif; fill: #1c2330; }</style>
<rect width="100%" height="100%" fill="#ffffff"/>
${parts}
</svg>
`.text;
}
