/** One measured column over time: the data, the fitted curve, and its forecast. */
import * as Plot from '@observablehq/plot';
import type { TimeKind } from '../table/table.ts';
import { axisTime, below, dotRadius, type Point, plotSvg, thin, timeTicks } from './svg.ts';

export interface SeriesPanel {
  readonly name: string;
  readonly timeName: string;
  readonly timeKind: TimeKind;
  /** Measured values; x is time. */
  readonly observed: readonly Point[];
  /** Pieces of the model's curve, each unbroken. */
  readonly curves: readonly (readonly Point[])[];
  /** The last time that was trained on; what comes after is forecast. */
  readonly trainedUntil: number;
}

const mostDots = 2_500;
const mostCurvePoints = 2_500;

export function seriesChart(panel: SeriesPanel): string {
  const time = (point: Point) => axisTime(panel.timeKind, point.x);
  const dots = thin(panel.observed, mostDots);
  const curves = panel.curves.map((curve) => thin(curve, mostCurvePoints));
  const [trained, forecast] = splitCurves(curves, panel.trainedUntil);
  const line = (points: readonly Point[], stroke: string, dashed: boolean) =>
    Plot.lineY(points, {
      x: time,
      y: 'y',
      stroke,
      strokeWidth: 2,
      ...(dashed ? { strokeDasharray: '5 4' } : {}),
    });
  const lines = [
    ...trained.map((points) => line(points, 'var(--fit)', false)),
    ...forecast.map((points) => line(points, 'var(--forecast)', true)),
  ];
  return plotSvg(
    {
      marginTop: 26,
      x: { ...below(panel.timeName), ...timeTicks(panel.timeKind), insetLeft: 6, insetRight: 6 },
      y: { label: panel.name, grid: true, nice: true },
      marks: [
        forecastRegion(panel),
        // many dots are a cloud, which the curves are drawn over; few are drawn over the curves
        ...(dots.length > 120 ? [dotMark(panel, dots), lines] : [lines, dotMark(panel, dots)]),
      ],
    },
    { title: `${panel.name} over ${panel.timeName}`, description: describe(panel) },
  );
}

function dotMark({ timeKind, trainedUntil }: SeriesPanel, dots: readonly Point[]): Plot.Markish {
  const many = dots.length > 120;
  const ink = many ? 'var(--cloud)' : 'var(--ink)';
  return Plot.dot(dots, {
    x: ({ x }: Point) => axisTime(timeKind, x),
    y: 'y',
    r: dotRadius(dots.length),
    fill: ({ x }: Point) => (x <= trainedUntil ? ink : 'var(--page)'),
    stroke: ink,
    strokeWidth: many ? 0.9 : 1.4,
  });
}

/** A tinted band behind the forecast. */
function forecastRegion(panel: SeriesPanel): Plot.Markish {
  const last = Math.max(...panel.curves.map((curve) => curve.at(-1)?.x ?? panel.trainedUntil));
  if (last <= panel.trainedUntil) return null;
  const { timeKind: kind, trainedUntil } = panel;
  return Plot.rect([0], {
    x1: axisTime(kind, trainedUntil),
    x2: axisTime(kind, last),
    fill: 'var(--region)',
  });
}

/** Where the curve passes from fit to forecast, both pieces hold the same point. */
function splitCurves(curves: readonly (readonly Point[])[], until: number): [Point[][], Point[][]] {
  const trained: Point[][] = [];
  const forecast: Point[][] = [];
  for (const curve of curves) {
    const before = curve.filter(({ x }) => x <= until);
    const after = curve.filter(({ x }) => x > until);
    if (before.length > 0) trained.push(before);
    if (after.length > 0) forecast.push([...before.slice(-1), ...after]);
  }
  return [trained, forecast];
}

function describe({ observed, trainedUntil, curves }: SeriesPanel): string {
  const trained = observed.filter(({ x }) => x <= trainedUntil).length;
  const last = curves.at(-1)?.at(-1);
  const ends =
    last === undefined ? '' : ` The model's curve ends at ${Number(last.y.toPrecision(3))}.`;
  return `${trained} measured values trained on, ${observed.length - trained} beyond.${ends}`;
}
