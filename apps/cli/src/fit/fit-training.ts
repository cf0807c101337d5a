/** Training of `fit`'s model, by nn's loop. */
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
import { disposeTree, getBackend, random, tensor } from '@neuralode/tensor';
import type { FitOptions } from '../options.ts';
import type { Iteration, Training } from '../run/training.ts';
import type { FitModel, FitParams, Seen } from './fit-model.ts';
import { horizonAt } from './horizon.ts';
import type { Segments } from './segments.ts';

const learningRate = { start: 0.02, end: 0.001 } as const;
const longestGradient = 1;

type State = TrainingState<FitParams, unknown>;

export class FitTraining implements Training {
  readonly iterations: number;
  readonly #model: FitModel;
  readonly #segments: Segments;
  readonly #options: FitOptions;
  readonly #optimiser;
  readonly #seen = new Map<number, Seen>();
  #state: State | undefined;
  #params: FitParams;
  #nfe = { forward: 0, backward: 0 };

  /** Starts from the seed, or goes on from a checkpoint's bytes. */
  constructor(
    model: FitModel,
    segments: Segments,
    options: FitOptions,
    checkpoint: Uint8Array | undefined,
  ) {
    this.iterations = options.epochs;
    this.#model = model;
    this.#segments = segments;
    this.#options = options;
    const rate = cosineDecay({ ...learningRate, over: options.epochs });
    this.#optimiser = clipByGlobalNorm(longestGradient, adam({ learningRate: rate }));
    this.#params = model.init(random(options.seed));
    if (checkpoint === undefined) return;
    const like = { params: this.#params, optimiser: this.#optimiser };
    this.#state = decodeTrainingState(checkpoint, like);
    disposeTree(this.#params);
    this.#params = this.#state.params;
  }

  get done(): number {
    return this.#state?.iteration ?? 0;
  }

  get params(): FitParams {
    return this.#params;
  }

  async run(
    signal: AbortSignal,
    onIteration: (iteration: Iteration) => Promise<void>,
  ): Promise<void> {
    const from = this.#state as TrainingState<FitParams, never> | undefined;
    const result = await train({
      ...(from === undefined ? { params: this.#params } : { from }),
      optimiser: this.#optimiser,
      loss: (params: FitParams, seen: Seen) => this.#model.loss(params, seen, this.#count),
      batch: (iteration) => this.#seenAt(iteration),
      keepBatches: true,
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
    return encodeTrainingState(this.#state, { command: 'fit' });
  }

  #reach(state: State): void {
    this.#state = state;
    this.#params = state.params;
  }

  readonly #count = ({ nfe, pass }: SolveStats): void => {
    this.#nfe[pass] += nfe;
  };

  #seenAt(iteration: number): Seen {
    const points = horizonAt(iteration, this.iterations, this.#segments.grid.length);
    const known = this.#seen.get(points);
    if (known !== undefined) return known;
    const seen = makeSeen(this.#segments, this.#model.columns, points);
    this.#seen.set(points, seen);
    return seen;
  }
}

function makeSeen(segments: Segments, columns: number, points: number): Seen {
  const size = points * segments.count * columns;
  const shape = [points, segments.count, columns];
  const mask = segments.mask.subarray(0, size);
  const { floatDType: dtype } = getBackend();
  return {
    points,
    values: mask.reduce((sum, one) => sum + one, 0),
    targets: tensor(segments.targets.subarray(0, size), shape, { dtype }),
    mask: tensor(mask, shape, { dtype }),
  };
}
