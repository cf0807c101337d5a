/**
 * Explicit, seeded randomness. Numbers are drawn on the host in float64 and then rounded, so one seed gives the same
 * numbers on every backend. The generator is xoroshiro128+ (Blackman, Vigna 2018) of `pure-rand`.
 */
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';
import { getBackend } from './backend.ts';
import { ArgumentError } from './errors.ts';
import { sizeOf } from './shape.ts';
import { type TensorOptions, tensor } from './make.ts';
import type { Tensor } from './tensor.ts';

type Generator = ReturnType<typeof xoroshiro128plusFromState>;

/** A stream of random numbers; every draw advances it. */
export class Random {
  readonly #generator: Generator;

  /** Internal: make one with `random(seed)` or `randomFromState(state)`. */
  constructor(generator: Generator) {
    this.#generator = generator;
  }

  /** One number, uniform in [0, 1). */
  next(): number {
    return uniformFloat64(this.#generator);
  }

  /** One number from N(0, 1). */
  nextNormal(): number {
    // Box and Muller 1958, one of the pair: the stream's state is then the whole state.
    const radius = Math.sqrt(-2 * Math.log(1 - this.next()));
    return radius * Math.cos(2 * Math.PI * this.next());
  }

  /** One integer, uniform in [from, to], both included. */
  integer(from: number, to: number): number {
    return uniformInt(this.#generator, from, to);
  }

  /** The integers 0 … count − 1 in random order (Fisher-Yates). */
  permutation(count: number): number[] {
    const order = Array.from({ length: count }, (_, i) => i);
    for (let i = count - 1; i > 0; i--) {
      const j = this.integer(0, i);
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  }

  /** A tensor of numbers uniform in [low, high). */
  uniform(shape: readonly number[], low = 0, high = 1, options?: TensorOptions): Tensor {
    return this.#draw(shape, () => low + (high - low) * this.next(), options);
  }

  /** A tensor of independent numbers from N(mean, standardDeviation²). */
  normal(
    shape: readonly number[],
    mean = 0,
    standardDeviation = 1,
    options?: TensorOptions,
  ): Tensor {
    return this.#draw(shape, () => mean + standardDeviation * this.nextNormal(), options);
  }

  /** A stream that does not overlap this one (for 2⁶⁴ draws); this one moves past it. */
  split(): Random {
    const child = new Random(this.#generator.clone() as Generator);
    this.#generator.jump();
    return child;
  }

  /** Where the stream stands: `randomFromState` goes on from there. */
  state(): number[] {
    return [...this.#generator.getState()];
  }

  #draw(shape: readonly number[], next: () => number, options: TensorOptions | undefined): Tensor {
    const dtype = options?.dtype ?? getBackend().floatDType;
    return tensor(Float64Array.from({ length: sizeOf(shape) }, next), shape, { dtype });
  }
}

/**
 * Four well-mixed words from a seed. The library's own seeding puts the seed next to fixed words, and its first draws
 * are then all but the same for every seed; the generator's authors advise SplitMix instead (Steele, Lea, Flood 2014,
 * here with the 32-bit finalizer of MurmurHash3).
 */
function spreadSeed(seed: number): number[] {
  const low = seed | 0;
  const high = Math.floor(seed / 2 ** 32) | 0;
  return Array.from({ length: 4 }, (_, i) => {
    let word = (low + Math.imul(i + 1, 0x9e3779b9)) ^ Math.imul(high + i, 0x85ebca6b);
    word = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
    word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
    return (word ^ (word >>> 16)) | 0;
  });
}

/** A stream of random numbers from an integer seed. */
export function random(seed: number): Random {
  if (!Number.isSafeInteger(seed)) {
    throw new ArgumentError({ what: 'random: the seed must be an integer', got: String(seed) });
  }
  return new Random(xoroshiro128plusFromState(spreadSeed(seed)));
}

/** The stream that `state()` was taken of. */
export function randomFromState(state: readonly number[]): Random {
  if (state.length !== 4 || !state.every(Number.isInteger) || state.every((word) => word === 0)) {
    throw new ArgumentError({
      what: 'randomFromState: not the state of a stream',
      got: `[${state.join(', ')}]`,
      expected: 'the four integers that state() gave',
    });
  }
  return new Random(xoroshiro128plusFromState(state));
}
