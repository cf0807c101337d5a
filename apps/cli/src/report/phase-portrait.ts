/** Two columns against each other: the data, the model's path, and the field that it follows. */
import * as Plot from '@observablehq/plot';
import { below, dotRadius, type Point, plotSvg, thin } from './svg.ts';

/** The field at a point: a unit vector's direction on the page is what is drawn. */
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
  /** Axes in logarithms, if the model works on those. */
  readonly xLog: boolean;
  readonly yLog: boolean;
}

export function phasePortrait(portrait: PhasePortrait): string {
  const dot = (points: readonly Point[], fill: string) =>
    Plot.dot(thin(points, 2_000), {
      x: 'x',
      y: 'y',
      r: dotRadius(points.length),
      fill,
      stroke: 'var(--ink)',
      strokeWidth: 1.3,
    });
  const line = (points: readonly Point[], stroke: string, dash?: string) =>
    Plot.line(thin(points, 2_500), {
      x: 'x',
      y: 'y',
      stroke,
      strokeWidth: 2,
      ...(dash === undefined ? {} : { strokeDasharray: dash }),
    });
  return plotSvg(
    {
      width: 560,
      height: 460,
      x: { ...below(portrait.xName), grid: true, inset: 8, ...logScale(portrait.xLog) },
      y: { label: portrait.yName, grid: true, inset: 8, ...logScale(portrait.yLog) },
      marks: [
        fieldMark(portrait.field),
        ...portrait.fit.map((points) => line(points, 'var(--fit)')),
        line(portrait.forecast, 'var(--forecast)', '5 4'),
        dot(portrait.trained, 'var(--ink)'),
        dot(portrait.heldOut, 'var(--page)'),
      ],
    },
    {
      title: `${portrait.yName} against ${portrait.xName}`,
      description: `The path of the model through ${portrait.trained.length} measured points trained on and ${portrait.heldOut.length} beyond${
        portrait.field.length > 0 ? ', over the vector field that it learned' : ''
      }.`,
    },
  );
}

function logScale(log: boolean): Plot.ScaleOptions {
  return log ? { type: 'log', ticks: 6, tickFormat: '~s' } : {};
}

function fieldMark(field: readonly Arrow[]): Plot.Markish {
  if (field.length === 0) return null;
  return Plot.vector(field, {
    x: 'x',
    y: 'y',
    // clockwise from up, in degrees
    rotate: ({ dx, dy }: Arrow) => (Math.atan2(dx, dy) * 180) / Math.PI,
    length: ({ dx, dy }: Arrow) => Math.hypot(dx, dy),
    stroke: 'var(--field)',
    strokeWidth: 1.2,
    anchor: 'middle',
  });
}
