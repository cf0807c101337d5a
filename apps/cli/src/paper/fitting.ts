/** Training for the paper's figures: so many iterations, told on stderr, and timed. */
import { adam, clipByGlobalNorm, cosineDecay, train } from '@neuralode/nn';
import type { Random, Tensor } from '@neuralode/tensor';
import { showDuration } from '../progress/wording.ts';
import type { Terminal } from '../terminal.ts';

export interface Fitting<P, B> {
  readonly name: string;
  readonly params: P;
  readonly loss: (params: P, batch: B) => Tensor;
  readonly batch: (rng: Random) => B;
  readonly iterations: number;
  readonly learningRate: number;
  readonly seed: number;
}

export interface Fitted<P> {
  readonly params: P;
  readonly seconds: number;
  readonly iterations: number;
}

/** Adam, its rate falling by half a cosine to a fiftieth. */
export async function fitted<P, B>(
  fitting: Fitting<P, B>,
  { stderr }: Terminal,
): Promise<Fitted<P>> {
  const { name, iterations, learningRate: start, seed } = fitting;
  stderr.write(`${name}: ${iterations} iterations … `);
  const rate = cosineDecay({ start, end: start / 50, over: iterations });
  const { params, seconds, loss } = await train({
    params: fitting.params,
    optimiser: clipByGlobalNorm(10, adam({ learningRate: rate })),
    batch: (_, rng) => fitting.batch(rng),
    loss: fitting.loss,
    iterations,
    seed,
  });
  stderr.write(`loss ${loss.toFixed(3)}, ${showDuration(seconds)}\n`);
  return { params, seconds, iterations };
}
