/** The spirals of a run: those trained on, those held out, and batches of them. */
import {
  type SeriesBatch,
  type SpiralScale,
  type Spirals,
  spiralBatch,
  spiralScale,
  spirals,
} from '@neuralode/latent-ode';
import type { Random } from '@neuralode/tensor';

/** Times of the observed span, and as many beyond it. */
export const spanTimes = 100;

const trainCount = 1000;
const testCount = 200;

/** Spirals in a batch: the kernels' calls cost more than their numbers, so smaller batches would gain little. */
export const batchSize = 100;

export interface SpiralsData {
  readonly train: Spirals;
  /** Known without noise beyond the observed span too. */
  readonly test: Spirals;
  readonly scale: SpiralScale;
  /** All times of `test` in the models' units: the observed span is 0 to 1. */
  readonly times: readonly number[];
}

export function drawSpirals(points: number, seed: number): SpiralsData {
  const common = { times: spanTimes, points, resolution: 1000 };
  const train = spirals({ ...common, seed, count: trainCount, beyond: 0 });
  // a stream of its own for each of the two, whatever the seed
  const test = spirals({ ...common, seed: -1 - seed, count: testCount });
  const scale = spiralScale(train);
  return { train, test, scale, times: test.times.map((time) => time / scale.timeScale) };
}

/** A batch of training spirals at random. */
export function randomBatch({ train, scale }: SpiralsData, rng: Random): SeriesBatch {
  return spiralBatch(train, rng.permutation(train.count).slice(0, batchSize), scale);
}

/** The first spirals of a set, in order. */
export function firstSpirals(set: Spirals, scale: SpiralScale, count = set.count): SeriesBatch {
  return spiralBatch(
    set,
    Array.from({ length: count }, (_, i) => i),
    scale,
  );
}
