/** Latent paths in the plane in which they spread most. */
import { jit } from '@neuralode/autodiff';
import type { LatentOdeParams } from '@neuralode/latent-ode';
import { disposeTree } from '@neuralode/tensor';
import type { LatentPath } from '../report/spirals-report.ts';
import { firstSpirals, type SpiralsData, spanTimes } from './spirals-data.ts';
import type { SpiralsModels } from './spirals-models.ts';

const shown = 60;

/** Paths over the observed span of the first test spirals, on the first two principal components. */
export async function latentPaths(
  { latent }: SpiralsModels,
  params: LatentOdeParams,
  { scale, times, test }: SpiralsData,
): Promise<readonly LatentPath[]> {
  const batch = firstSpirals(test, scale, Math.min(shown, test.count));
  const inside = times.slice(0, spanTimes);
  const path = await jit((p: LatentOdeParams) =>
    latent.path(p, latent.encode(p, batch).mean, inside),
  )(params);
  const values = Float64Array.from(await path.data());
  const [count] = path.shape;
  disposeTree([batch, path]);
  const dimensions = latent.latent;
  const axes = principalAxes(values, dimensions);
  const at = (row: number, axis: readonly number[]): number =>
    axis.reduce((sum, weight, d) => sum + weight * values[row * dimensions + d]!, 0);
  return Array.from({ length: count! }, (_, s) => ({
    clockwise: test.clockwise[s]!,
    points: inside.map((__, i) => {
      const row = s * inside.length + i;
      return { x: at(row, axes[0]!), y: at(row, axes[1]!) };
    }),
  }));
}

/** The two directions of largest variance of rows of `dimensions` numbers, by power iteration. */
function principalAxes(values: Float64Array, dimensions: number): number[][] {
  const rows = values.length / dimensions;
  const all = Array.from({ length: dimensions }, (_, d) => d);
  const means = all.map((d) => {
    let sum = 0;
    for (let r = 0; r < rows; r++) sum += values[r * dimensions + d]!;
    return sum / rows;
  });
  const covariance = all.map((a) =>
    all.map((b) => {
      let sum = 0;
      for (let r = 0; r < rows; r++) {
        sum +=
          (values[r * dimensions + a]! - means[a]!) * (values[r * dimensions + b]! - means[b]!);
      }
      return sum / rows;
    }),
  );
  const first = leadingVector(covariance, []);
  return [first, leadingVector(covariance, first)];
}

/** The eigenvector of the largest eigenvalue, orthogonal to `other`. */
function leadingVector(matrix: readonly number[][], other: readonly number[]): number[] {
  let vector = matrix.map((_, i) => 1 / (i + 1));
  for (let round = 0; round < 200; round++) {
    const moved = matrix.map((row) => dot(row, vector));
    const along = dot(other, moved);
    const apart = moved.map((value, i) => value - along * (other[i] ?? 0));
    const length = Math.sqrt(dot(apart, apart)) || 1;
    vector = apart.map((value) => value / length);
  }
  return vector;
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}
