/** What a flow in the plane looks like: its density on a grid, points of it, and their way through time. */
import { jit } from '@neuralode/autodiff';
import { type Cnf, type FlowCall, logIntegral, planeGrid } from '@neuralode/cnf';
import { disposeTree, random, type Tensor } from '@neuralode/tensor';
import type { DensityPicture } from '../report/density-map.ts';
import type { Point } from '../report/svg.ts';
import { halfWidth } from './cnf-data.ts';

/** Cells along a side of a picture. */
const cells = 90;

/** A log-density of points [batch, 2]. */
export type PlaneDensity = (points: Tensor) => Promise<Tensor>;

/** A density over the drawn square, and the part of its mass that lies there. */
export async function densityPicture(
  logDensity: PlaneDensity,
): Promise<{ picture: DensityPicture; mass: number }> {
  const grid = planeGrid(halfWidth, cells);
  const values = await logDensity(grid.points);
  const logs = await values.data();
  disposeTree([values, grid.points]);
  const density = Float64Array.from(logs, Math.exp);
  return { picture: { density, cells, halfWidth }, mass: Math.exp(logIntegral(logs, grid)) };
}

/** Rows [count, 2] as points. */
export async function pointsOf(rows: Tensor): Promise<Point[]> {
  const values = await rows.data();
  return Array.from({ length: rows.shape[0] }, (_, i) => ({
    x: values[2 * i]!,
    y: values[2 * i + 1]!,
  }));
}

/** The flow at one time of its span. */
export interface Moment {
  /** Part of the span gone, in [0, 1]. */
  readonly part: number;
  readonly picture: DensityPicture;
  readonly samples: readonly Point[];
}

/** Density and samples at parts of the span, as in the paper's figure 5. */
export async function momentsOf<P>(
  flow: Cnf<P>,
  params: P,
  call: FlowCall,
  parts: readonly number[],
  count: number,
): Promise<readonly Moment[]> {
  const z = flow.base.sample(random(0), count);
  const moments: Moment[] = [];
  for (const part of parts) {
    const time = flow.span[0] + part * (flow.span[1] - flow.span[0]);
    const { picture } = await densityPicture((x) => flow.logProb(params, x, { ...call, time }));
    const samples = await flow.transform(params, z, { time });
    moments.push({ part, picture, samples: await pointsOf(samples) });
    samples.dispose();
  }
  z.dispose();
  return moments;
}

/** The paths of `count` points from the base to the data. */
export async function pathsOf<P>(flow: Cnf<P>, params: P, count: number): Promise<Point[][]> {
  const steps = 40;
  const [from, to] = flow.span;
  const times = Array.from({ length: steps + 1 }, (_, i) => from + ((to - from) * i) / steps);
  const z = flow.base.sample(random(1), count);
  const path = await jit((p: P) => flow.path(p, z, times))(params);
  const values = await path.data();
  disposeTree([path, z]);
  return Array.from({ length: count }, (_, row) =>
    times.map((__, i) => {
      const at = 2 * (i * count + row);
      return { x: values[at]!, y: values[at + 1]! };
    }),
  );
}
