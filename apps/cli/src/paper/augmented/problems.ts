/**
 * Two maps that no plain ODE has (Dupont, Doucet, Teh 2019, "Augmented Neural ODEs"): g(x) = −x on the line, since its
 * paths would cross, and in the plane the split of a disc from the ring around it, since a flow cannot turn the disc
 * inside out.
 */
import type { Random } from '@neuralode/tensor';

export interface Examples {
  readonly count: number;
  /** Coordinates of a point. */
  readonly dimension: number;
  /** Point by point. */
  readonly points: Float32Array;
  /** One for each point. */
  readonly targets: Float32Array;
}

export interface FlowProblem {
  readonly name: string;
  readonly title: string;
  readonly dimension: number;
  /** How the state at the end becomes an answer: its first coordinate, or a linear map of it. */
  readonly readout: 'first' | 'linear';
  readonly epochs: number;
  /** What points are whose target is below 0, and above. */
  readonly sides: readonly [below: string, above: string];
  /** As many as a training sees. */
  draw(rng: Random): Examples;
}

/** Points near −1 and 1, each to be sent to its opposite: what keeps the order has at best SmoothL1(1) = 0.5. */
export const reflection: FlowProblem = {
  name: 'reflection',
  title: 'g(x) = −x',
  dimension: 1,
  readout: 'first',
  epochs: 150,
  sides: ['from 1 to −1', 'from −1 to 1'],
  draw(rng) {
    const points = Float32Array.from(
      { length: 1000 },
      (_, i) => (i % 2 === 0 ? 1 : -1) + 0.1 * (2 * rng.next() - 1),
    );
    return { count: points.length, dimension: 1, points, targets: points.map((x) => -x) };
  },
};

/** Radii between which points are drawn, what they are to be told as, and how many of them: Dupont's. */
const regions = [
  { from: 0, to: 0.5, target: -1, count: 500 },
  { from: 1, to: 1.5, target: 1, count: 1500 },
] as const;

export const spheres: FlowProblem = {
  name: 'spheres',
  title: 'concentric spheres',
  dimension: 2,
  readout: 'linear',
  epochs: 150,
  sides: ['disc', 'ring'],
  draw(rng) {
    const rows = regions.flatMap(({ from, to, target, count }) =>
      Array.from({ length: count }, () => {
        // uniform over the area
        const radius = Math.sqrt(from ** 2 + (to ** 2 - from ** 2) * rng.next());
        const angle = 2 * Math.PI * rng.next();
        return [radius * Math.cos(angle), radius * Math.sin(angle), target] as const;
      }),
    );
    return {
      count: rows.length,
      dimension: 2,
      points: Float32Array.from(rows.flatMap((row) => row.slice(0, 2))),
      targets: Float32Array.from(rows, ([, , target]) => target),
    };
  },
};
