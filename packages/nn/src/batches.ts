/**
 * Minibatches of a set of examples: every epoch goes once through all of them in a new order, drawn from a seed. Which
 * examples are in batch number i depends on the seed and on i alone, so a run that goes on from a checkpoint meets the
 * batches that it would have met without the break.
 */
import { ArgumentError, disposeTree, type Random, random } from '@neuralode/tensor';
import { requireWidth } from './layer.ts';

/** Settings of `batches`. */
export interface BatchesOptions<B> {
  /** How many examples there are. */
  readonly count: number;
  /** Examples in a batch. What is left over at the end of an epoch is not seen in it. */
  readonly size: number;
  /** Of the order and of `make`'s random numbers: a whole number in [0, 2³²). Default 0. */
  readonly seed?: number;
  /** Default true. */
  readonly shuffle?: boolean;
  /** Batches made ahead, while a device is at work on the last one. Default 1. */
  readonly prefetch?: number;
  /** Makes the tree of tensors of these examples; `rng` is this batch's own, for augmentation. */
  readonly make: (examples: readonly number[], rng: Random) => B | Promise<B>;
}

/** Batches by their number. */
export interface Batches<B> {
  /** Batches in an epoch. */
  readonly perEpoch: number;
  /** Batch number `position`, the first is 0; it belongs to the caller. Fit for `train`'s `batch`. */
  at(position: number): Promise<B>;
  /** One after the other from `position` on, without an end. Each belongs to who takes it. */
  from(position: number): AsyncGenerator<B, never, void>;
  /** Frees what was made ahead. */
  dispose(): Promise<void>;
}

/** Makes batches; see the head of this file. */
export function batches<B>(options: BatchesOptions<B>): Batches<B> {
  const { count, size, prefetch = 1, make } = options;
  requireWidth(size, 'batches: examples in a batch');
  requireExamples(count, size);
  const perEpoch = Math.floor(count / size);
  const orderOf = epochs(options, perEpoch);
  const ahead = new Map<number, Promise<B>>();

  const begin = async (position: number): Promise<B> => {
    const { order, seeds } = orderOf(Math.floor(position / perEpoch));
    const place = position % perEpoch;
    return make(order.slice(place * size, (place + 1) * size), random(seeds[place]!));
  };
  const dropExcept = async (from: number, to: number): Promise<void> => {
    for (const [position, batch] of ahead) {
      if (position >= from && position <= to) continue;
      ahead.delete(position);
      disposeTree(await batch.catch(() => undefined));
    }
  };
  const at = async (position: number): Promise<B> => {
    requirePosition(position);
    await dropExcept(position, position + prefetch);
    const batch = ahead.get(position) ?? begin(position);
    ahead.delete(position);
    const made = await batch;
    for (let next = position + 1; next <= position + prefetch; next++) {
      if (ahead.has(next)) continue;
      const early = begin(next);
      early.catch(() => {}); // told to whoever asks for that batch
      ahead.set(next, early);
    }
    return made;
  };
  return {
    perEpoch,
    at,
    async *from(position) {
      for (let next = position; ; next++) yield await at(next);
    },
    dispose: () => dropExcept(0, -1),
  };
}

interface Epoch {
  readonly order: readonly number[];
  /** Of each batch's random numbers. */
  readonly seeds: readonly number[];
}

/** The order of an epoch, from the seed and its number; the last two are kept, since batches are made ahead. */
function epochs(
  { count, seed = 0, shuffle = true }: BatchesOptions<unknown>,
  perEpoch: number,
): (epoch: number) => Epoch {
  if (!Number.isSafeInteger(seed) || seed < 0 || seed >= 2 ** 32) {
    throw new ArgumentError({
      what: 'batches: seed',
      got: String(seed),
      expected: 'a whole number from 0 to 2³² − 1',
    });
  }
  const kept = new Map<number, Epoch>();
  return (epoch) => {
    const known = kept.get(epoch);
    if (known !== undefined) return known;
    const rng = random(epoch * 2 ** 32 + seed);
    const order = shuffle ? rng.permutation(count) : Array.from({ length: count }, (_, i) => i);
    const seeds = Array.from({ length: perEpoch }, () => rng.integer(0, 2 ** 31 - 1));
    for (const other of kept.keys()) if (Math.abs(other - epoch) > 1) kept.delete(other);
    kept.set(epoch, { order, seeds });
    return { order, seeds };
  };
}

function requireExamples(count: number, size: number): void {
  if (Number.isSafeInteger(count) && count >= size) return;
  throw new ArgumentError({
    what: 'batches: too few examples for one batch',
    got: `${count} examples, ${size} in a batch`,
    expected: 'at least as many examples as a batch holds',
  });
}

function requirePosition(position: number): void {
  if (Number.isSafeInteger(position) && position >= 0) return;
  throw new ArgumentError({
    what: 'batches: number of a batch',
    got: String(position),
    expected: 'a whole number ≥ 0',
  });
}
