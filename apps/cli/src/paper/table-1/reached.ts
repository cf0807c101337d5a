/** What a training has reached, by the log in its folder: finished or not. */
import { join } from 'node:path';
import { type IterationMetrics, readMetrics } from '../../run/metrics-log.ts';
import { runFiles } from '../../run/run-folder.ts';

export interface Reached {
  readonly seed: number;
  /** Of the test digits, after each epoch: the fraction mistaken. */
  readonly errors: readonly number[];
  /** Seconds of a training step: the middle one of the last epoch. */
  readonly stepSeconds: number;
  /** Of the field in a training step of the last epoch, on average. */
  readonly evaluations: { readonly forward: number; readonly backward: number };
  /** Of training. */
  readonly seconds: number;
}

/** Undefined before the first epoch is done. */
export function reachedIn(folder: string, seed: number, batch: number): Reached | undefined {
  return reachedBy(readMetrics(join(folder, runFiles.metrics)), seed, batch);
}

export function reachedBy(
  metrics: readonly IterationMetrics[],
  seed: number,
  batch: number,
): Reached | undefined {
  const ends = metrics.filter(({ testAccuracy }) => testAccuracy !== undefined);
  const last = ends.at(-1);
  if (last === undefined) return undefined;
  const perEpoch = ends[0]!.iteration;
  const epoch = metrics.filter(
    ({ iteration }) => iteration > last.iteration - perEpoch && iteration <= last.iteration,
  );
  const mean = (of: (line: IterationMetrics) => number): number =>
    epoch.reduce((sum, line) => sum + of(line), 0) / epoch.length;
  const rates = epoch.map(({ perSecond }) => perSecond ?? Number.NaN).sort((a, b) => a - b);
  return {
    seed,
    errors: ends.map(({ testAccuracy }) => 1 - testAccuracy!),
    stepSeconds: batch / rates[Math.floor(rates.length / 2)]!,
    evaluations: {
      forward: mean(({ nfe }) => nfe.forward),
      backward: mean(({ nfe }) => nfe.backward),
    },
    seconds: last.seconds,
  };
}
