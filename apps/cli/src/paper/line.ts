/** The straight line nearest to points, by least squares. */
import type { Point } from '../report/svg.ts';

export interface Line {
  readonly slope: number;
  readonly intercept: number;
  /** The part of y's variance that it explains, R². */
  readonly explained: number;
}

export function lineThrough(points: readonly Point[]): Line {
  const mean = (of: (point: Point) => number): number =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [x0, y0] = [mean(({ x }) => x), mean(({ y }) => y)];
  const xx = mean(({ x }) => (x - x0) ** 2);
  const xy = mean(({ x, y }) => (x - x0) * (y - y0));
  const yy = mean(({ y }) => (y - y0) ** 2);
  const slope = xy / xx;
  return { slope, intercept: y0 - slope * x0, explained: xy ** 2 / (xx * yy) };
}
