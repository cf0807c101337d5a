/** Two columns against each other: the data, the model's path, and the field that it follows. */
import * as Plot from '@observablehq/plot';
import { below, dotRadius, type Point, plotSvg, thin } from './svg.ts';

/** The field at a point; dx and dy are parts of the drawn ranges, so that the arrow points along the drawn path. */
export interface Arrow extends Point {
  readonly dx: number;
  readonly dy: number;
}

export interface PhasePortrait {
  readonly xName: string;
  readonly yName: string;
  readonly trained: readonly Point[];
  readonly heldOut: readonly Point[];
  readonly fit: readonly (readonly Point[])[];
  readonly forecast: readonly Point[];
  /** Empty where the field cannot be shown in this plane. */
  readonly field: readonly Arrow[];
  /** What is drawn; what lies beyond is cut off. */
  readonly xRange: readonly [number, number];
  readonly yRange: readonly [number, number];
  /** Axes in logarithms, if the model works on those. */
  readonly xLog: boolean;
  readonly yLog: boolean;
}

const width = 560;
const height = 460;

export function phasePortrait(portrait: PhasePortrait): string {
  const many = portrait.trained.length > 120;
  const ink = many ? 'var(--cloud)' : 'var(--ink)';
  const dot = (points: readonly Point[], fill: string) =>
    Plot.dot(thin(points, 2_000), {
      x: 'x',
      y: 'y',
      r: dotRadius(points.length),
      fill,
      stroke: ink,
      strokeWidth: many ? 0.9 : 1.3,
    });
  const line = (points: readonly Point[], stroke: string, dash?: string) =>
    Plot.line(thin(points, 2_500), {
      x: 'x',
      y: 'y',
      stroke,
      strokeWidth: 2,
      ...(dash === undefined ? {} : { strokeDasharray: dash }),
    });
  const lines = [
    ...portrait.fit.map((points) => line(points, 'var(--fit)')),
    line(portrait.forecast, 'var(--forecast)', '5 4'),
  ];
  const dots = [dot(portrait.trained, ink), dot(portrait.heldOut, 'var(--page)')];
  return plotSvg(
    {
      width,
      height,
      clip: 'frame',
      x: { ...below(portrait.xName), domain: portrait.xRange, ...scale(portrait.xLog) },
      y: { label: portrait.yName, domain: portrait.yRange, ...scale(portrait.yLog) },
      marks: [fieldMark(portrait.field), ...(many ? [dots, lines] : [lines, dots])],
    },
    {
      title: `${portrait.yName} against ${portrait.xName}`,
      description: `The path of the model through ${portrait.trained.length} measured points trained on and ${portrait.heldOut.length} beyond${
        portrait.field.length > 0 ? ', over the vector field that it learned' : ''
      }.`,
    },
  );
}

function scale(log: boolean): Plot.ScaleOptions {
  return log ? { type: 'log', ticks: 6, tickFormat: '~s', grid: true } : { grid: true };
}

function fieldMark(field: readonly Arrow[]): Plot.Markish {
  if (field.length === 0) return null;
  return Plot.vector(field, {
    x: 'x',
    y: 'y',
    // clockwise from up, in degrees
    rotate: ({ dx, dy }: Arrow) => (Math.atan2(dx * width, dy * height) * 180) / Math.PI,
    length: ({ dx, dy }: Arrow) => Math.hypot(dx * width, dy * height),
    stroke: 'var(--field)',
    strokeWidth: 1.2,
    anchor: 'middle',
  });
}
