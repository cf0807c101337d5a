/**
 * Training for the paper's figures: so many iterations, told on stderr, and timed. The parameters kept are those that do
 * best on one further batch, looked at now and then: a field that grows stiff can lose at the end what it had.
 */
import { jit } from '@neuralode/autodiff';
import { adam, clipByGlobalNorm, cosineDecay, train } from '@neuralode/nn';
import { disposeTree, type Random, random, type Tensor } from '@neuralode/tensor';
import { RunError } from '../failure.ts';
import { showDuration } from '../progress/wording.ts';
import type { Terminal } from '../terminal.ts';

/** What a page says of it. */
export const keptParameters =
  'Of each training those parameters are kept that do best on one further, larger batch.';

export interface Fitting<P, B> {
  readonly name: string;
  readonly params: P;
  readonly loss: (params: P, batch: B) => Tensor;
  /** Of an iteration before which `part` of them all are done. */
  readonly batch: (rng: Random, part: number) => B;
  /** What the parameters are judged by: larger, so that the choice is less a matter of luck. */
  readonly held: (rng: Random) => B;
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
  const measured = jit(fitting.loss);
  const held = fitting.held(random(-2 - seed));
  const { params, best, seconds } = await train({
    params: fitting.params,
    optimiser: clipByGlobalNorm(10, adam({ learningRate: rate })),
    batch: (iteration, rng) => fitting.batch(rng, iteration / iterations),
    loss: fitting.loss,
    iterations,
    seed,
    validation: {
      every: Math.max(1, Math.round(iterations / 20)),
      measure: async (p) => {
        const loss = await measured(p, held);
        const score = await loss.item();
        loss.dispose();
        return score;
      },
    },
  });
  disposeTree(held);
  if (best === undefined) throw new RunError(`${name}: no loss was a number.`);
  disposeTree(params);
  stderr.write(`loss ${best.score.toFixed(3)}, ${showDuration(seconds)}\n`);
  return { params: best.params, seconds, iterations };
}
