/** Problems with known solutions, and what the tests do with solutions. */
import { type Field, type OdeintOptions, odeint, type SolveStats } from '@neuralode/solvers';
import { concat, memory, setBackend, type Tensor, tensor } from '@neuralode/tensor';
import { reference } from '@neuralode/backend-reference';

export interface Problem {
  readonly name: string;
  readonly field: Field<Tensor>;
  /** The solution: all components at time t. */
  readonly exact: (t: number) => number[];
  /** Where errors are far from changing sign, so that an order can be measured. */
  readonly interval: readonly [number, number];
}

/** Component i of a state [n], as [1]. */
export function part(y: Tensor, i: number): Tensor {
  return y.slice([i], [1]);
}

export const logistic: Problem = {
  name: 'nonlinear (logistic)',
  field: (_, y) => y.mul(y.neg().add(1)),
  exact: (t) => [1 / (1 + 4 * Math.exp(-t))],
  interval: [-2, 2],
};

export const seasons: Problem = {
  name: 'time-dependent (growth by season)',
  field: (t, y) => y.mul(t.cos()),
  exact: (t) => [Math.exp(Math.sin(t))],
  interval: [0, 1],
};

/** Rotation by t²/2 with damping: coupled, and time-dependent too. */
export const swirl: Problem = {
  name: 'system (damped swirl)',
  field: (t, y) => {
    const turned = concat([part(y, 1), part(y, 0).neg()]);
    return turned.mul(t).sub(y.mul(0.5));
  },
  exact: (t) => {
    const size = Math.exp(-0.5 * t);
    const [cos, sin] = [Math.cos(t ** 2 / 2), Math.sin(t ** 2 / 2)];
    return [size * (cos + 0.5 * sin), size * (0.5 * cos - sin)];
  },
  interval: [0, 1.5],
};

export const problems = [logistic, seasons, swirl] as const;

/** dy/dt = −y, from 1. */
export const decay: Field<Tensor> = (_, y) => y.neg();

export const lotkaVolterra: Field<Tensor> = (_, y) => {
  const [prey, predators] = [part(y, 0), part(y, 1)];
  const eaten = prey.mul(predators);
  return concat([prey.mul(1.5).sub(eaten), eaten.sub(predators.mul(3))]);
};

/** Van der Pol's oscillator; stiff where mu is large. */
export const vanDerPol =
  (mu: number): Field<Tensor> =>
  (_, y) => {
    const [position, speed] = [part(y, 0), part(y, 1)];
    const push = position.square().neg().add(1).mul(speed).mul(mu);
    return concat([speed, push.sub(position)]);
  };

/** A solve from plain numbers to plain numbers. */
export function solve(
  field: Field<Tensor>,
  y0: readonly number[],
  times: readonly number[],
  options: OdeintOptions<undefined> = {},
): { rows: number[][]; stats: SolveStats } {
  const start = tensor([...y0]);
  const { ys, stats } = odeint.sync(field, start, times, options);
  const rows = ys.arraySync() as number[][];
  start.dispose();
  ys.dispose();
  return { rows, stats };
}

/** The largest difference between two tables. */
export function largestDifference(
  a: readonly (readonly number[])[],
  b: readonly (readonly number[])[],
): number {
  const differences = a.flatMap((row, i) => row.map((value, j) => Math.abs(value - b[i][j])));
  return differences.reduce((x, y) => (y > x || Number.isNaN(y) ? y : x), 0);
}

/** The slope of log y against log x, by least squares. */
export function logSlope(x: readonly number[], y: readonly number[]): number {
  const [u, v] = [x, y].map((values) => values.map(Math.log));
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const [uMean, vMean] = [mean(u), mean(v)];
  const covariance = mean(u.map((each, i) => (each - uMean) * (v[i] - vMean)));
  return covariance / mean(u.map((each) => (each - uMean) ** 2));
}

/** Runs `solving` on a backend of its own; by how many live buffers it changed what was there, result disposed. */
export async function liveBuffersLeft(
  y0: readonly number[],
  solving: (y0: Tensor) => Promise<{ ys: Tensor }>,
): Promise<{ left: number; error?: unknown }> {
  const backend = await setBackend(reference());
  const start = tensor([...y0]);
  const before = memory(backend).liveBuffers;
  try {
    const { ys } = await solving(start);
    ys.dispose();
    return { left: memory(backend).liveBuffers - before };
  } catch (error) {
    return { left: memory(backend).liveBuffers - before, error };
  } finally {
    start.dispose();
  }
}
