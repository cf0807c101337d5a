/**
 * Training of `spirals`: the latent ODE and its baseline take turns, so that both have had the same wall time whenever
 * the run ends. An iteration is one update of the latent ODE and as many of the baseline as its clock falls behind.
 */
import type { AutoregressiveRnnParams, LatentOdeParams, SeriesBatch } from '@neuralode/latent-ode';
import {
  CheckpointError,
  checkpointOf,
  decodeSafetensors,
  encodeSafetensors,
  restore,
} from '@neuralode/nn';
import type { SolveStats } from '@neuralode/solvers';
import { disposeTree, type Random, random, randomFromState, type Tensor } from '@neuralode/tensor';
import { RunError } from '../failure.ts';
import type { SpiralsOptions } from '../options.ts';
import type { Iteration, Training } from '../run/training.ts';
import { batchSize, randomBatch, type SpiralsData } from './spirals-data.ts';
import { noise, type SpiralsModels, spiralsModels } from './spirals-models.ts';
import { freshState, Trainee, type TraineeState } from './trainee.ts';

/** The rate falls over the iterations by half a cosine, for both models alike. */
const learningRate = { start: 0.02, end: 0.0002 } as const;

/** Keeps the loss near one, since gradients are clipped; the values of a spiral are 200. */
const lossScale = 0.01;

/** Of the latent path's drift in the loss: enough to see, and little beside what the data say. */
const driftWeight = 3;

/** An iteration as `metrics.jsonl` has it. */
export interface SpiralsIteration extends Iteration {
  /** Mean loss of the baseline's updates in this iteration; null where there was none. */
  readonly baselineLoss: number | null;
  readonly baselineUpdates: number;
  /** Seconds that each has trained. */
  readonly modelSeconds: number;
  readonly baselineSeconds: number;
}

interface LatentBatch {
  readonly series: SeriesBatch;
  /** The noise that z₀ is drawn with. */
  readonly sample: Tensor;
}

/** What is not a tensor in a checkpoint. */
interface Counters {
  readonly updates: readonly [number, number];
  /** Milliseconds that each has trained. */
  readonly clocks: readonly [number, number];
  readonly streams: readonly [readonly number[], readonly number[]];
}

const countersKey = 'neuralode.spirals';

export class SpiralsTraining implements Training {
  readonly iterations: number;
  readonly models: SpiralsModels;
  readonly #data: SpiralsData;
  readonly #latent: Trainee<LatentOdeParams, LatentBatch>;
  readonly #baseline: Trainee<AutoregressiveRnnParams, SeriesBatch>;
  readonly #streams: readonly [Random, Random];
  #clocks: [number, number] = [0, 0];
  #nfe = { forward: 0, backward: 0 };

  /** Starts from the seed, or goes on from a checkpoint's bytes. */
  constructor(data: SpiralsData, options: SpiralsOptions, checkpoint: Uint8Array | undefined) {
    this.iterations = options.epochs;
    this.#data = data;
    this.models = spiralsModels(options, data, this.#count);
    const { latent, baseline } = this.models;
    const rng = random(options.seed);
    const fresh = {
      latent: freshState(latent.init(rng)),
      baseline: freshState(baseline.init(rng)),
    };
    const saved = checkpoint === undefined ? undefined : readCheckpoint(fresh, checkpoint);
    const start = saved?.states ?? fresh;
    this.#clocks = [...(saved?.clocks ?? this.#clocks)];
    this.#streams = saved?.streams ?? [rng.split(), rng.split()];
    const perfect = options.points * pointLogDensity(data);
    this.#latent = new Trainee((params, { series, sample }) => {
      const { elbo, drift } = latent.elbo(params, series, sample, { drift: true });
      return elbo.sub(perfect).mul(-lossScale).add(drift.mul(driftWeight));
    }, start.latent);
    this.#baseline = new Trainee(
      (params, series) => baseline.logLikelihood(params, series).mul(-lossScale),
      start.baseline,
    );
  }

  get done(): number {
    return this.#latent.state.updates;
  }

  get params(): { latent: LatentOdeParams; baseline: AutoregressiveRnnParams } {
    return { latent: this.#latent.state.params, baseline: this.#baseline.state.params };
  }

  async run(
    signal: AbortSignal,
    onIteration: (iteration: SpiralsIteration) => Promise<void>,
  ): Promise<void> {
    while (this.done < this.iterations && !signal.aborted) {
      const rate = this.#rate();
      const loss = await this.#clocked(0, () => this.#updateLatent(rate));
      const baselineLosses: number[] = [];
      while (this.#clocks[1] < this.#clocks[0]) {
        baselineLosses.push(await this.#clocked(1, () => this.#updateBaseline(rate)));
      }
      const nfe = this.#nfe;
      this.#nfe = { forward: 0, backward: 0 };
      const [modelSeconds, baselineSeconds] = this.#clocks.map((ms) => Math.round(ms) / 1000);
      await onIteration({
        iteration: this.done,
        loss,
        nfe,
        baselineLoss: baselineLosses.length === 0 ? null : mean(baselineLosses),
        baselineUpdates: this.#baseline.state.updates,
        modelSeconds: modelSeconds!,
        baselineSeconds: baselineSeconds!,
      });
    }
  }

  async checkpoint(): Promise<Uint8Array> {
    const [latent, baseline] = [this.#latent.state, this.#baseline.state];
    const counters: Counters = {
      updates: [latent.updates, baseline.updates],
      clocks: this.#clocks,
      streams: [this.#streams[0].state(), this.#streams[1].state()],
    };
    const tensors = await checkpointOf({
      latent: tensorsOf(latent),
      baseline: tensorsOf(baseline),
    });
    return encodeSafetensors(tensors, {
      command: 'spirals',
      [countersKey]: JSON.stringify(counters),
    });
  }

  #rate(): number {
    const { start, end } = learningRate;
    const turn = Math.cos((Math.PI * this.done) / this.iterations);
    return end + ((start - end) * (1 + turn)) / 2;
  }

  /** Runs `update` by the clock of one of the two; its loss must be finite. */
  async #clocked(which: 0 | 1, update: () => Promise<number>): Promise<number> {
    const begun = performance.now();
    const loss = await update();
    this.#clocks[which] += performance.now() - begun;
    if (Number.isFinite(loss)) return loss;
    const name = which === 0 ? 'the latent ODE' : 'the baseline';
    throw new RunError(
      `training stopped in iteration ${this.done + 1}: the loss of ${name} is ${loss}. ` +
        'The last checkpoint is kept; try another --seed or other tolerances.',
    );
  }

  #updateLatent(rate: number): Promise<number> {
    const [rng] = this.#streams;
    const series = randomBatch(this.#data, rng);
    const sample = rng.normal([batchSize, this.models.latent.latent]);
    return this.#latent.update({ series, sample }, rate);
  }

  #updateBaseline(rate: number): Promise<number> {
    return this.#baseline.update(randomBatch(this.#data, this.#streams[1]), rate);
  }

  readonly #count = ({ nfe, pass }: SolveStats): void => {
    this.#nfe[pass] += nfe;
  };
}

/** log p of a point that stands where the model says: with it taken off, the loss is positive and tends to 0. */
function pointLogDensity({ scale }: SpiralsData): number {
  return -Math.log(2 * Math.PI * (noise / scale.scale) ** 2);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

interface States {
  readonly latent: TraineeState<LatentOdeParams>;
  readonly baseline: TraineeState<AutoregressiveRnnParams>;
}

function tensorsOf<P>({ params, optimiser }: TraineeState<P>) {
  return { params, optimiser };
}

/** The states in a checkpoint, in place of fresh ones of the same models, which are freed. */
function readCheckpoint(fresh: States, bytes: Uint8Array) {
  const file = decodeSafetensors(bytes);
  const { updates, clocks, streams } = parseCounters(file.metadata[countersKey]);
  const like = { latent: tensorsOf(fresh.latent), baseline: tensorsOf(fresh.baseline) };
  const { latent, baseline } = restore(like, file);
  disposeTree(like);
  const states: States = {
    latent: { ...latent, updates: updates[0] },
    baseline: { ...baseline, updates: updates[1] },
  };
  const rngs = [randomFromState(streams[0]), randomFromState(streams[1])] as const;
  return { states, clocks, streams: rngs };
}

function parseCounters(text: string | undefined): Counters {
  if (text !== undefined) return JSON.parse(text) as Counters;
  throw new CheckpointError({
    what: 'The file is not a saved run of spirals',
    got: `no metadata "${countersKey}"`,
  });
}
