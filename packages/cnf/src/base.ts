/** Base distributions: where a flow begins. */
import { ArgumentError, type Random, type Tensor, type TensorOptions } from '@neuralode/tensor';
import { requireDimension } from './field.ts';

/** A distribution of points that can be drawn, and whose density is known. */
export interface Base {
  readonly dimension: number;
  /** Independent points: [count, dimension]. */
  sample(rng: Random, count: number, options?: TensorOptions): Tensor;
  /** log p(z) in nats of points [batch, dimension]: [batch]. */
  logProb(z: Tensor): Tensor;
}

/** Settings of `gaussianBase`. */
export interface GaussianBaseOptions {
  /** Of each component. Default 1. */
  readonly standardDeviation?: number;
}

/** N(0, σ² 1). */
export function gaussianBase(dimension: number, options: GaussianBaseOptions = {}): Base {
  const { standardDeviation = 1 } = options;
  requireDimension(dimension, 'gaussianBase');
  if (!(standardDeviation > 0 && Number.isFinite(standardDeviation))) {
    throw new ArgumentError({
      what: 'gaussianBase: standardDeviation',
      got: String(standardDeviation),
      expected: 'a number > 0',
    });
  }
  const variance = standardDeviation ** 2;
  const logNormaliser = (dimension / 2) * Math.log(2 * Math.PI * variance);
  return {
    dimension,
    sample: (rng, count, made) => rng.normal([count, dimension], 0, standardDeviation, made),
    logProb: (z) =>
      z
        .square()
        .sum(-1)
        .mul(-0.5 / variance)
        .sub(logNormaliser),
  };
}
