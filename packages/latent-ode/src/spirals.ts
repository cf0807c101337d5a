/**
 * The two families of spirals on which latent ODEs are shown, by the formulas of the public example of the paper's
 * authors: with θ from 0 to 6π in equal steps,
 *
 *     clockwise           r = 15 / (6π + 1 − θ),  (x, y) = r (cos, sin)(6π + 1 − θ) − (5, 0)
 *     counter-clockwise   r = 0.3 θ,              (x, y) = r (cos, sin)(θ) + (5, 0)
 *
 * Each series is a stretch of one of the two curves from a random start, seen with Gaussian noise at some of its times,
 * and continued without noise beyond them. No stretch comes near the ends of a curve: at the start the one family hardly
 * moves, and at the end the other's radius runs away, from 5 to 15 within the last tenth.
 */
import { ArgumentError, type FloatDType, getBackend, random, tensor } from '@neuralode/tensor';
import type { SeriesBatch } from './batch.ts';

/** Settings of `spirals`. Defaults are the public example's. */
export interface SpiralOptions {
  readonly seed: number;
  /** How many series, half of them clockwise. Default 1000. */
  readonly count?: number;
  /** Times of the observed span. Default 100. */
  readonly times?: number;
  /** How many of them each series keeps, drawn at random. Default: all. */
  readonly points?: number;
  /** Times beyond the observed span, where only the clean curve is known. Default: as many as inside it. */
  readonly beyond?: number;
  /** Standard deviation of the noise. Default 0.3. */
  readonly noise?: number;
  /** Points on each whole curve: fewer of them make each series a longer stretch of it. Default 1000. */
  readonly resolution?: number;
}

/** Spirals on the host, row-major. */
export interface Spirals {
  readonly count: number;
  /** Equally spaced, from 0: the observed span's, then those beyond. */
  readonly times: readonly number[];
  /** How many of `times` are in the observed span. */
  readonly inside: number;
  /** [count, times, 2]: the curves themselves, over both spans. */
  readonly clean: Float64Array;
  /** [count, inside, 2]: with noise. */
  readonly noisy: Float64Array;
  /** [count, inside]: 1 where a point was kept. */
  readonly mask: Uint8Array;
  /** One a series. */
  readonly clockwise: readonly boolean[];
}

const end = 6 * Math.PI;
const growth = 0.3;

/** The point at θ on the whole curve of one family. */
export function spiralPoint(clockwise: boolean, theta: number): readonly [number, number] {
  if (!clockwise) {
    const r = growth * theta;
    return [r * Math.cos(theta) + 5, r * Math.sin(theta)];
  }
  const angle = end + 1 - theta;
  const r = (growth * 50) / angle;
  return [r * Math.cos(angle) - 5, r * Math.sin(angle)];
}

/** Draws the data set; one seed gives the same one everywhere. */
export function spirals(options: SpiralOptions): Spirals {
  const { seed, count = 1000, times: inside = 100, noise = 0.3, resolution = 1000 } = options;
  const { points = inside, beyond = inside } = options;
  const length = inside + beyond;
  const margin = Math.round(resolution / 10);
  const spacing = end / (resolution - 1);
  requireRoom(points, inside, length, resolution - 2 * margin);
  const rng = random(seed);
  const clean = new Float64Array(count * length * 2);
  const noisy = new Float64Array(count * inside * 2);
  const mask = new Uint8Array(count * inside);
  const turns = rng.permutation(count);
  const clockwise = turns.map((turn) => turn % 2 === 0);
  for (let s = 0; s < count; s++) {
    const first = rng.integer(margin, resolution - margin - length);
    for (let i = 0; i < length; i++) {
      const point = spiralPoint(clockwise[s]!, (first + i) * spacing);
      clean.set(point, (s * length + i) * 2);
      if (i >= inside) continue;
      const seen = point.map((value) => value + noise * rng.nextNormal());
      noisy.set(seen, (s * inside + i) * 2);
    }
    for (const i of rng.permutation(inside).slice(0, points)) mask[s * inside + i] = 1;
  }
  const times = Array.from({ length }, (_, i) => i * spacing);
  return { count, times, inside, clean, noisy, mask, clockwise };
}

function requireRoom(points: number, inside: number, length: number, room: number): void {
  if (points >= 1 && points <= inside && length <= room) return;
  throw new ArgumentError({
    what: 'spirals: the spans do not fit',
    got: `${points} points of ${inside} times, ${length} with those beyond, where there is room for ${room}`,
    expected: '1 ≤ points ≤ times, and times + beyond ≤ 0.8 · resolution',
  });
}

/** How the numbers of a batch are made of the data's: (value − mean) / scale, time / timeScale. */
export interface SpiralScale {
  readonly mean: readonly [number, number];
  readonly scale: number;
  readonly timeScale: number;
}

/** Mean and common deviation of the kept points, which bring them near 0 and to size 1; the observed span takes 1. */
export function spiralScale({ noisy, mask, times, inside }: Spirals): SpiralScale {
  const sums = [0, 0];
  let squares = 0;
  let known = 0;
  for (let i = 0; i < mask.length; i++) {
    if (mask[i] === 0) continue;
    known++;
    for (let d = 0; d < 2; d++) {
      sums[d]! += noisy[2 * i + d]!;
      squares += noisy[2 * i + d]! ** 2;
    }
  }
  const mean: [number, number] = [sums[0]! / known, sums[1]! / known];
  const variance = squares / (2 * known) - (mean[0] ** 2 + mean[1] ** 2) / 2;
  return { mean, scale: Math.sqrt(variance), timeScale: times[inside - 1]! };
}

/** The series of these indices as a batch over the observed span, in scaled units; without a mask if all was kept. */
export function spiralBatch(
  data: Spirals,
  indices: readonly number[],
  { mean, scale, timeScale }: SpiralScale = { mean: [0, 0], scale: 1, timeScale: 1 },
  dtype: FloatDType = getBackend().floatDType,
): SeriesBatch {
  const { inside, noisy, mask, times } = data;
  const values = new Float64Array(indices.length * inside * 2);
  const kept = new Float64Array(indices.length * inside);
  indices.forEach((series, row) => {
    for (let i = 0; i < inside; i++) {
      kept[row * inside + i] = mask[series * inside + i]!;
      for (let d = 0; d < 2; d++) {
        const value = noisy[(series * inside + i) * 2 + d]!;
        values[(row * inside + i) * 2 + d] = (value - mean[d]!) / scale;
      }
    }
  });
  const whole = mask.every((one) => one === 1);
  return {
    times: times.slice(0, inside).map((time) => time / timeScale),
    values: tensor(values, [indices.length, inside, 2], { dtype }),
    ...(whole ? {} : { mask: tensor(kept, [indices.length, inside], { dtype }) }),
  };
}
