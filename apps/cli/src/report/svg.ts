/** Plots as SVG text, drawn by Observable Plot in a document of linkedom's. Colours are CSS variables of the page. */
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import type { TimeKind } from '../table/table.ts';

/** What a reader who cannot see the plot is told. */
export interface AltText {
  readonly title: string;
  readonly description: string;
}

const defaults: Plot.PlotOptions = {
  width: 760,
  height: 260,
  marginLeft: 52,
  marginRight: 16,
  marginBottom: 46,
  style: { background: 'transparent', fontSize: '13px', overflow: 'visible' },
};

/** Draws a plot. */
export function plotSvg(options: Plot.PlotOptions, alt: AltText): string {
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const svg = Plot.plot({ ...defaults, ...options, document: document as unknown as Document });
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', `${alt.title}. ${alt.description}`);
  return svg.outerHTML;
}

/** Times as Plot wants them, so that dates get an axis of dates. */
export function axisTime(kind: TimeKind, time: number): number | Date {
  return kind === 'date' ? new Date(time * 86_400_000) : time;
}

/** Years stay 1905, not 1,905. */
export function timeTicks(kind: TimeKind): { tickFormat?: string } {
  return kind === 'number' ? { tickFormat: '~f' } : {};
}

/** The name of a horizontal axis, clear of its ticks. */
export function below(label: string): Plot.ScaleOptions {
  return { label, labelAnchor: 'center', labelArrow: 'none', labelOffset: 40 };
}

/** A point of a curve or of a cloud. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** At most `limit` of the points, evenly chosen, the last one among them. */
export function thin<T>(points: readonly T[], limit: number): readonly T[] {
  if (points.length <= limit) return points;
  const stride = (points.length - 1) / (limit - 1);
  return Array.from({ length: limit }, (_, i) => points[Math.round(i * stride)]!);
}

/** Dots small enough to be told apart. */
export function dotRadius(count: number): number {
  if (count <= 80) return 3.5;
  return count <= 500 ? 2 : 1.2;
}
