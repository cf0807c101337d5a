/** Training of `mnist`'s network, by nn's loop, with the test digits scored after each epoch. */
import {
  type Batches,
  batches,
  decodeTrainingState,
  encodeTrainingState,
  type TrainingState,
  train,
} from '@neuralode/nn';
import { correctCount, crossEntropy } from '@neuralode/odenet';
import type { SolveStats } from '@neuralode/solvers';
import { disposeTree, random } from '@neuralode/tensor';
import type { MnistOptions } from '../options.ts';
import type { Iteration, Training } from '../run/training.ts';
import { type Digits, type DigitTensors, digitTensors } from './digits.ts';
import { Evaluation } from './evaluation.ts';
import { type MnistNetwork, type MnistParams, mnistModel } from './mnist-model.ts';
import { mnistOptimiser } from './mnist-optimiser.ts';

type State = TrainingState<MnistParams, unknown>;

export class MnistTraining implements Training {
  readonly iterations: number;
  /** Iterations in an epoch. */
  readonly perEpoch: number;
  readonly network: MnistNetwork;
  readonly #options: MnistOptions;
  readonly #data: Batches<DigitTensors>;
  readonly #evaluation: Evaluation;
  readonly #optimiser;
  #state: State | undefined;
  #params: MnistParams;
  #nfe = { forward: 0, backward: 0 };

  /** Starts from the seed, or goes on from a checkpoint's bytes. */
  constructor(
    options: MnistOptions,
    digits: { readonly training: Digits; readonly test: Digits },
    checkpoint: Uint8Array | undefined,
  ) {
    const { batch, epochs, seed } = options;
    this.#options = options;
    this.network = mnistModel(options, this.#count);
    this.#evaluation = new Evaluation(digits.test, this.network);
    this.#data = batches({
      count: digits.training.count,
      size: batch,
      seed,
      make: (examples, rng) =>
        digitTensors(digits.training, examples, { padding: options.crop, rng }),
    });
    this.perEpoch = this.#data.perEpoch;
    this.iterations = epochs * this.perEpoch;
    this.#optimiser = mnistOptimiser(options, this.iterations);
    this.#params = this.network.init(random(seed));
    if (checkpoint === undefined) return;
    const like = { params: this.#params, optimiser: this.#optimiser };
    this.#state = decodeTrainingState(checkpoint, like);
    disposeTree(this.#params);
    this.#params = this.#state.params;
  }

  get done(): number {
    return this.#state?.iteration ?? 0;
  }

  get params(): MnistParams {
    return this.#params;
  }

  async run(
    signal: AbortSignal,
    onIteration: (iteration: Iteration) => Promise<void>,
  ): Promise<void> {
    const { batch, seed } = this.#options;
    const from = this.#state as TrainingState<MnistParams, never> | undefined;
    let before = performance.now();
    const result = await train({
      ...(from === undefined ? { params: this.#params } : { from }),
      optimiser: this.#optimiser,
      batch: (iteration) => this.#data.at(iteration),
      loss: (params: MnistParams, { pictures, labels }: DigitTensors) => {
        const scores = this.network.apply(params, pictures);
        return [crossEntropy(scores, labels), correctCount(scores, labels)];
      },
      iterations: this.iterations,
      seed,
      signal,
      onIteration: async ({ iteration, loss, aux, state }) => {
        this.#reach(state);
        // a copy: scoring the test digits counts too
        const nfe = { ...this.#nfe };
        const rate = (1000 * batch) / (performance.now() - before);
        const accuracy = Number(await aux.item()) / batch;
        const test = iteration % this.perEpoch === 0 ? await this.#test() : {};
        this.#nfe = { forward: 0, backward: 0 };
        await onIteration({ iteration, loss, nfe, accuracy, perSecond: Math.round(rate), ...test });
        before = performance.now();
      },
    });
    this.#reach(result);
    await this.#data.dispose();
  }

  checkpoint(): Promise<Uint8Array> {
    if (this.#state === undefined) throw new Error('no iteration was done, so there is no state');
    return encodeTrainingState(this.#state, { command: 'mnist' });
  }

  async #test(): Promise<{ testAccuracy: number }> {
    return { testAccuracy: await this.#evaluation.accuracy(this.#params) };
  }

  #reach(state: State): void {
    this.#state = state;
    this.#params = state.params;
  }

  readonly #count = ({ nfe, pass }: SolveStats): void => {
    this.#nfe[pass] += nfe;
  };
}
