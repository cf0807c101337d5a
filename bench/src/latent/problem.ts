/**
 * The latent ODE on spirals as one fixed problem that every system trains: see bench/peers/latent_common.py, which has
 * the model in words.
 */
import { reference } from '@neuralode/backend-reference';
import { linspace, type Random, random, setBackend } from '@neuralode/tensor';

export const observed = 2;
export const hidden = 25;
export const latent = 4;
/** Widths of the layers, inputs and outputs. */
const widths = [
  [observed + hidden, hidden],
  [hidden, 2 * latent],
  [latent, 20],
  [20, 20],
  [20, latent],
  [latent, 20],
  [20, observed],
] as const;
const batch = 100;
const points = 100;
const end = 9.4;
export const noiseDeviation = 0.3;
export const rtol = 1e-5;
export const atol = 1e-6;
export const learningRate = 0.01;

/** What is handed to the peers as JSON, and used here. */
export interface LatentProblem {
  /** The recurrent cell, its readout, three of the field, two of the decoder: weight [inputs][outputs], bias [outputs]. */
  readonly layers: readonly { readonly weight: number[][]; readonly bias: number[] }[];
  /** [100 times]. */
  readonly times: readonly number[];
  /** [100 times][100 series][2]. */
  readonly series: number[][][];
  /** What the latent state is drawn with, iteration after iteration: [100 series][4]. */
  readonly batches: number[][][];
  readonly rtol: number;
  readonly atol: number;
  readonly learningRate: number;
  readonly noiseDeviation: number;
  readonly warmup: number;
  readonly iterations: number;
}

/** Half of the spirals run outwards, half inwards; each is a stretch of one and a half turns of three, with noise. */
function spirals(rng: Random): number[][][] {
  const starts = Array.from({ length: batch }, () => 3 * Math.PI * rng.next());
  return Array.from({ length: points }, (_, i) =>
    starts.map((start, s) => {
      const angle = start + (3 * Math.PI * i) / (points - 1);
      const radius = s < batch / 2 ? 0.5 + angle / (2 * Math.PI) : 3.5 - angle / (2 * Math.PI);
      const [x, y] = rng.normal([2], 0, 0.1).arraySync() as number[];
      return [radius * Math.cos(angle) + x, radius * Math.sin(angle) + y];
    }),
  );
}

/** Makes the problem on the reference backend in float64, whatever is measured afterwards. */
export async function latentProblem(
  seed: number,
  warmup: number,
  iterations: number,
): Promise<LatentProblem> {
  await setBackend(reference());
  const rng = random(seed);
  // torch's own initial values: uniform in ±1/√inputs, biases too
  const layers = widths.map(([inputs, outputs]) => {
    const limit = 1 / Math.sqrt(inputs);
    return {
      weight: rng.uniform([inputs, outputs], -limit, limit).arraySync() as number[][],
      bias: rng.uniform([outputs], -limit, limit).arraySync() as number[],
    };
  });
  return {
    layers,
    times: Array.from(linspace(0, end, points).dataSync()),
    series: spirals(rng),
    batches: Array.from(
      { length: warmup + iterations },
      () => rng.normal([batch, latent]).arraySync() as number[][],
    ),
    rtol,
    atol,
    learningRate,
    noiseDeviation,
    warmup,
    iterations,
  };
}
