/** Training of `cnf`'s flow, by nn's loop, on fresh points in each iteration. */
import {
  type Cnf,
  flowMatching,
  flowMatchingBatch,
  type FlowMatchingBatch,
  negativeLogLikelihood,
} from '@neuralode/cnf';
import {
  adam,
  clipByGlobalNorm,
  cosineDecay,
  decodeTrainingState,
  encodeTrainingState,
  type TrainingState,
  train,
} from '@neuralode/nn';
import type { SolveStats } from '@neuralode/solvers';
import { disposeTree, type Random, random, type Tensor } from '@neuralode/tensor';
import type { CnfOptions } from '../options.ts';
import type { Iteration, Training } from '../run/training.ts';
import { batchSize, drawPoints } from './cnf-data.ts';
import { type CnfParams, cnfModel } from './cnf-model.ts';

const learningRate = { start: 0.01, end: 0.0002 } as const;
const longestGradient = 10;

type State = TrainingState<CnfParams, unknown>;

/** Points, with what one of the two losses needs beside them. */
type Batch = FlowMatchingBatch | { readonly x: Tensor; readonly noise?: Tensor };

export class CnfTraining implements Training {
  readonly iterations: number;
  readonly flow: Cnf<CnfParams>;
  readonly #options: CnfOptions;
  readonly #optimiser;
  #state: State | undefined;
  #params: CnfParams;
  #nfe = { forward: 0, backward: 0 };

  /** Starts from the seed, or goes on from a checkpoint's bytes. */
  constructor(options: CnfOptions, checkpoint: Uint8Array | undefined) {
    this.iterations = options.epochs;
    this.#options = options;
    this.flow = cnfModel(options, this.#count);
    const rate = cosineDecay({ ...learningRate, over: options.epochs });
    this.#optimiser = clipByGlobalNorm(longestGradient, adam({ learningRate: rate }));
    this.#params = this.flow.init(random(options.seed));
    if (checkpoint === undefined) return;
    const like = { params: this.#params, optimiser: this.#optimiser };
    this.#state = decodeTrainingState(checkpoint, like);
    disposeTree(this.#params);
    this.#params = this.#state.params;
  }

  get done(): number {
    return this.#state?.iteration ?? 0;
  }

  get params(): CnfParams {
    return this.#params;
  }

  async run(
    signal: AbortSignal,
    onIteration: (iteration: Iteration) => Promise<void>,
  ): Promise<void> {
    const from = this.#state as TrainingState<CnfParams, never> | undefined;
    const result = await train({
      ...(from === undefined ? { params: this.#params } : { from }),
      optimiser: this.#optimiser,
      batch: (_, rng): Batch => this.#batch(rng),
      loss: (params: CnfParams, batch: Batch) => this.#loss(params, batch),
      iterations: this.iterations,
      seed: this.#options.seed,
      signal,
      onIteration: async ({ iteration, loss, state }) => {
        this.#reach(state);
        const nfe = this.#nfe;
        this.#nfe = { forward: 0, backward: 0 };
        await onIteration({ iteration, loss, nfe });
      },
    });
    this.#reach(result);
  }

  checkpoint(): Promise<Uint8Array> {
    if (this.#state === undefined) throw new Error('no iteration was done, so there is no state');
    return encodeTrainingState(this.#state, { command: 'cnf' });
  }

  #batch(rng: Random): Batch {
    const { data, training, trace } = this.#options;
    const x = drawPoints(data, batchSize, rng);
    if (training === 'flow-matching') return flowMatchingBatch(this.flow, x, rng);
    return trace === 'hutchinson' ? { x, noise: this.flow.noise(rng, batchSize) } : { x };
  }

  #loss(params: CnfParams, batch: Batch): Tensor {
    if ('s' in batch) return flowMatching(this.flow, params, batch);
    const { x, noise } = batch;
    return negativeLogLikelihood(this.flow, params, x, noise === undefined ? {} : { noise });
  }

  #reach(state: State): void {
    this.#state = state;
    this.#params = state.params;
  }

  readonly #count = ({ nfe, pass }: SolveStats): void => {
    this.#nfe[pass] += nfe;
  };
}
