/** What a network makes of the test digits. */
import { jit } from '@neuralode/autodiff';
import type { BlockSolve } from '@neuralode/odenet';
import { disposeTree } from '@neuralode/tensor';
import { type Digits, digitTensors } from './digits.ts';
import type { MnistNetwork, MnistParams } from './mnist-model.ts';

/** Digits that are evaluated together: few enough for a processor's cache. */
const together = 100;

/** Says the digit in each of the first `count` pictures. */
export class Evaluation {
  readonly #digits: Digits;
  readonly #network: MnistNetwork;
  readonly #scores;

  constructor(digits: Digits, network: MnistNetwork, solve?: BlockSolve) {
    this.#digits = digits;
    this.#network = network;
    this.#scores = jit(
      (params: MnistParams, pictures: ReturnType<typeof digitTensors>['pictures']) =>
        this.#network.apply(params, pictures, solve).argMax(1),
    );
  }

  /** The network's answers, 0 to 9. */
  async answers(params: MnistParams, count = this.#digits.count): Promise<Uint8Array> {
    const answers = new Uint8Array(count);
    for (let start = 0; start < count; start += together) {
      const length = Math.min(together, count - start);
      const examples = Array.from({ length }, (_, i) => start + i);
      const batch = digitTensors(this.#digits, examples);
      const found = await this.#scores(params, batch.pictures);
      answers.set(Array.from(await found.data(), Number), start);
      disposeTree([batch, found]);
    }
    return answers;
  }

  /** The fraction of the first `count` pictures whose digit the network says. */
  async accuracy(params: MnistParams, count = this.#digits.count): Promise<number> {
    const answers = await this.answers(params, count);
    return answers.filter((answer, i) => answer === this.#digits.labels[i]).length / count;
  }
}
