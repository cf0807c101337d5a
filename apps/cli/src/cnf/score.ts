/** Log-likelihoods of held-out points as one figure. */
import type { Tensor } from '@neuralode/tensor';

export interface Score {
  /** In nats a point. */
  readonly mean: number;
  /** Of the mean, over the points. */
  readonly standardError: number;
}

/** Of log-densities [count], which are freed. */
export async function scoreOf(logProb: Tensor): Promise<Score> {
  const values = Float64Array.from(await logProb.data());
  logProb.dispose();
  return meanOf(values);
}

/** A mean over points, with its standard error. */
export function meanOf(values: Float64Array): Score {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, standardError: Math.sqrt(squares / (values.length - 1) / values.length) };
}

/** As in `-2.405 ± 0.012`. */
export function showScore({ mean, standardError }: Score): string {
  return `${mean.toFixed(3)} ± ${standardError.toFixed(3)}`;
}
