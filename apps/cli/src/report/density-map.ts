/** A square of the plane: a density as a picture, points, and paths, each where there is one. */
import { html, Markup } from './html.ts';
import { pngAddress, type Rgb } from './png.ts';
import type { AltText, Point } from './svg.ts';

/** A density on the midpoints of the cells of [−halfWidth, halfWidth]², the first coordinate varying fastest. */
export interface DensityPicture {
  readonly density: ArrayLike<number>;
  readonly cells: number;
  readonly halfWidth: number;
}

export interface PlaneDrawing {
  readonly halfWidth: number;
  readonly picture?: DensityPicture;
  readonly points?: readonly Point[];
  readonly paths?: readonly (readonly Point[])[];
}

/** A blue that is read on white and on near-black. */
const ink: Rgb = [47, 111, 214];

/** Side of a drawing in its own units. */
const side = 240;

export function planeSvg(drawing: PlaneDrawing, alt: AltText): string {
  const { halfWidth, picture, points = [], paths = [] } = drawing;
  const x = (value: number): string => ((0.5 + value / (2 * halfWidth)) * side).toFixed(1);
  const y = (value: number): string => ((0.5 - value / (2 * halfWidth)) * side).toFixed(1);
  const inside = points.filter((p) => Math.abs(p.x) <= halfWidth && Math.abs(p.y) <= halfWidth);
  const parts = [
    picture === undefined
      ? ''
      : html`<image href="${imageOf(picture)}" width="${side}" height="${side}" preserveAspectRatio="none"/>`,
    paths.map(
      (path) =>
        html`<polyline points="${path.map((p) => `${x(p.x)},${y(p.y)}`).join(' ')}" fill="none" stroke="var(--fit)" stroke-width="0.8" stroke-opacity="0.6"/>`,
    ),
    inside.length === 0
      ? ''
      : html`<path d="${inside.map((p) => `M${x(p.x)} ${y(p.y)}h0`).join('')}" stroke="var(--ink)" stroke-width="1.6" stroke-linecap="round" stroke-opacity="0.55"/>`,
    paths.map((path) => dot(path.at(-1), x, y)),
  ];
  return html`<svg viewBox="0 0 ${side} ${side}" width="${side}" height="${side}" role="img" aria-label="${`${alt.title}. ${alt.description}`}"><rect width="${side}" height="${side}" fill="none" stroke="var(--rule)"/>${parts}</svg>`
    .text;
}

function dot(
  point: Point | undefined,
  x: (value: number) => string,
  y: (value: number) => string,
): Markup {
  if (point === undefined) return new Markup('');
  return html`<circle cx="${x(point.x)}" cy="${y(point.y)}" r="1.6" fill="var(--forecast)"/>`;
}

/** Opacity goes with the root of the density, so that what is faint is seen too; its maximum is opaque. */
function imageOf({ density, cells }: DensityPicture): string {
  let largest = 0;
  for (let i = 0; i < density.length; i++) largest = Math.max(largest, density[i]!);
  const opacities = Float64Array.from({ length: cells * cells }, (_, i) => {
    const row = cells - 1 - Math.floor(i / cells); // the plane's y points up, a picture's down
    return Math.sqrt(density[row * cells + (i % cells)]! / (largest || 1));
  });
  return pngAddress(opacities, cells, cells, ink);
}
