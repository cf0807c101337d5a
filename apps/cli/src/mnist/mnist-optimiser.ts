/** The optimisers of `mnist`, with their learning rates over a training. */
import { adam, cosineDecay, type Optimiser, sgd, stepDecay } from '@neuralode/nn';
import type { MnistOptions } from '../options.ts';

/** What is taken where --learning-rate is not given. */
export const usualRates = { adam: 0.03, sgd: 0.1 } as const;

/**
 * `adam`: its rate falls to 0 by half a cosine. `sgd`: as in the published example of the paper's authors, momentum 0.9
 * and a rate that falls to a tenth after 60, 100 and 140 of 160 epochs, here after those parts of the iterations.
 */
export function mnistOptimiser(
  { optimiser, learningRate }: Pick<MnistOptions, 'optimiser' | 'learningRate'>,
  iterations: number,
): Optimiser<unknown> {
  const start = learningRate ?? usualRates[optimiser];
  if (optimiser === 'adam') {
    return adam({ learningRate: cosineDecay({ start, over: iterations }) }) as Optimiser<unknown>;
  }
  const at = [60, 100, 140].map((epoch) => (epoch / 160) * iterations);
  return sgd({ learningRate: stepDecay({ start, at }), momentum: 0.9 }) as Optimiser<unknown>;
}
