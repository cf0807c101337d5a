/**
 * The densities that two circles and two moons are drawn from, so that a score can be held against the best there is:
 * a uniform place on one of two curves, and Gaussian noise around it.
 */
import type { Point } from '../report/svg.ts';

interface Source {
  /** Of each curve, by the part of it gone in [0, 1]; each is gone through at one speed. */
  readonly curves: readonly ((part: number) => Point)[];
  readonly noise: number;
}

const circle = (radius: number) => (part: number) => ({
  x: radius * Math.cos(2 * Math.PI * part),
  y: radius * Math.sin(2 * Math.PI * part),
});

/** As `toyData` of @neuralode/cnf has them. */
const sources = {
  'two-circles': { curves: [circle(3), circle(1.5)], noise: 0.24 },
  'two-moons': {
    curves: [
      (part) => ({ x: 2 * Math.cos(Math.PI * part) - 1, y: 2 * Math.sin(Math.PI * part) - 0.2 }),
      (part) => ({ x: 1 - 2 * Math.cos(Math.PI * part), y: 0.8 - 2 * Math.sin(Math.PI * part) }),
    ],
    noise: 0.2,
  },
} as const satisfies Readonly<Record<string, Source>>;

/** Distributions whose density is known. */
export type CurveName = keyof typeof sources;

/** So many that neighbours are a tenth of the noise apart: the sum is then the integral, to rounding. */
const places = 1000;

/** log p of a point, in nats. */
export function curveLogDensity(name: CurveName): (point: Point) => number {
  const { curves, noise } = sources[name];
  const centres = curves.flatMap((curve) =>
    Array.from({ length: places }, (_, i) => curve((i + 0.5) / places)),
  );
  const logNormaliser = Math.log(2 * Math.PI * noise ** 2 * centres.length);
  return ({ x, y }) => {
    const squares = centres.map((centre) => (x - centre.x) ** 2 + (y - centre.y) ** 2);
    const least = squares.reduce((a, b) => Math.min(a, b));
    const sum = squares.reduce((all, each) => all + Math.exp((least - each) / (2 * noise ** 2)), 0);
    return Math.log(sum) - least / (2 * noise ** 2) - logNormaliser;
  };
}
