/**
 * Where a training run stands: all that the next iteration depends on, so that a run continued from it is the run that
 * was never interrupted, bit for bit. Goes to and from safetensors bytes.
 */
import { disposeTree, mapTree, random, randomFromState } from '@neuralode/tensor';
import { checkpointOf, restore } from './checkpoint.ts';
import { CheckpointError } from './checkpoint-error.ts';
import type { Optimiser } from './optimiser.ts';
import { decodeSafetensors, encodeSafetensors, type HostTensor } from './safetensors.ts';

/** The parameters that scored best in validation. */
export interface BestParams<P> {
  readonly params: P;
  readonly score: number;
  /** After how many updates. */
  readonly iteration: number;
}

/** A training run between two iterations. `P` and `S` are the trees of parameters and of the optimiser's state. */
export interface TrainingState<P, S> {
  readonly params: P;
  readonly optimiser: S;
  /** Updates made so far. */
  readonly iteration: number;
  /** Where the stream of random numbers that batches are drawn from stands (`Random.state()`). */
  readonly random: readonly number[];
  /** Present once a validation has given a score. */
  readonly best?: BestParams<P>;
}

/** The state before the first iteration. `params` stay the caller's; `seed` is that of the batches. */
export function firstState<P, S>(
  params: P,
  optimiser: Optimiser<S>,
  seed = 0,
): TrainingState<P, S> {
  return {
    params: sharedTree(params),
    optimiser: optimiser.init(params),
    iteration: 0,
    random: random(seed).state(),
  };
}

/** Other tensors on the same buffers: each of the two trees can be disposed of without harm to the other. */
export function sharedTree<T>(tree: T): T {
  // run at once, stopGradient moves no element: it gives the buffer a second holder
  return mapTree(tree, (tensor) => tensor.stopGradient());
}

/** The same state, with tensors of its own. */
export function sharedState<P, S>(state: TrainingState<P, S>): TrainingState<P, S> {
  const { params, optimiser, iteration, random: stream, best } = state;
  return {
    params: sharedTree(params),
    optimiser: sharedTree(optimiser),
    iteration,
    random: [...stream],
    ...(best && { best: { ...best, params: sharedTree(best.params) } }),
  };
}

/** The key of the metadata under which the counters stand. */
const countersKey = 'neuralode.training';

/**
 * A state as the bytes of a safetensors file. `metadata` is the caller's own (settings of the model, say), beside the
 * counters; `decodeSafetensors(bytes).metadata` gives it back.
 */
export async function encodeTrainingState(
  { params, optimiser, iteration, random: stream, best }: TrainingState<unknown, unknown>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<Uint8Array> {
  const counters: Counters = {
    iteration,
    random: stream,
    ...(best && { best: { score: best.score, iteration: best.iteration } }),
  };
  const tree = { params, optimiser, ...(best && { best: best.params }) };
  return encodeSafetensors(await checkpointOf(tree), {
    ...metadata,
    [countersKey]: JSON.stringify(counters),
  });
}

/**
 * The state that `encodeTrainingState` wrote, on the current backend; it belongs to the caller.
 *
 * @param like parameters of the same model (freshly made ones will do; they stay the caller's), and the optimiser
 * @throws CheckpointError for bytes of no training run, or of another model or optimiser; it names the first difference
 */
export function decodeTrainingState<P, S>(
  bytes: Uint8Array,
  like: { readonly params: P; readonly optimiser: Optimiser<S> },
): TrainingState<P, S> {
  const { tensors, metadata } = decodeSafetensors(bytes);
  const { best, ...counters } = parseCounters(metadata[countersKey]);
  const { params } = like;
  const optimiser = like.optimiser.init(params);
  try {
    if (best === undefined) return { ...restore({ params, optimiser }, { tensors }), ...counters };
    const trees = restore({ params, optimiser, best: params }, { tensors });
    return { ...trees, ...counters, best: { ...best, params: trees.best } };
  } finally {
    disposeTree(optimiser);
  }
}

/**
 * The parameters alone of a saved training run, the best where it was validated and else the last: what it takes to
 * use the model. `like` and errors as in `decodeTrainingState`.
 */
export function decodeTrainedParams<P>(bytes: Uint8Array, like: P): P {
  const { tensors, metadata } = decodeSafetensors(bytes);
  const root = parseCounters(metadata[countersKey]).best === undefined ? 'params' : 'best';
  const own = Object.entries(tensors).filter(
    ([name]) => name === root || name.startsWith(`${root}.`) || name.startsWith(`${root}[`),
  );
  return restore({ [root]: like }, { tensors: Object.fromEntries<HostTensor>(own) })[root];
}

/** What a state holds besides tensors. */
interface Counters {
  readonly iteration: number;
  readonly random: readonly number[];
  readonly best?: { readonly score: number; readonly iteration: number };
}

function isCounters(value: unknown): value is Counters {
  if (typeof value !== 'object' || value === null) return false;
  const { iteration, random: stream, best } = value as Partial<Record<keyof Counters, unknown>>;
  return (
    Number.isSafeInteger(iteration) &&
    Number(iteration) >= 0 &&
    isStream(stream) &&
    (best === undefined || (typeof best === 'object' && best !== null))
  );
}

function isStream(stream: unknown): boolean {
  if (!Array.isArray(stream) || !stream.every(Number.isSafeInteger)) return false;
  try {
    randomFromState(stream); // only the generator knows how long its state is
    return true;
  } catch {
    return false;
  }
}

function parseCounters(text: string | undefined): Counters {
  const counters = text === undefined ? undefined : readJson(text);
  if (isCounters(counters)) return counters;
  throw new CheckpointError({
    what: 'The file is not a saved training run',
    got:
      text === undefined ? `no metadata "${countersKey}"` : `${countersKey}: ${text.slice(0, 60)}`,
    remedy: 'Read a file of parameters alone with decodeSafetensors(…) and restore(…)',
  });
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
