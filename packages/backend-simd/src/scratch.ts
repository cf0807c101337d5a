/**
 * Memory that programs work in. It is theirs by turns: a program has it while it runs, and keeps nothing in it from run to
 * run. So ever so many programs hold no more than the largest of them.
 */
import { aligned } from './arena.ts';
import { FreeStretches, type Stretch } from './free-stretches.ts';
import type { Heap } from './heap.ts';

/** Bytes of a stretch of tape: a quarter of all before it, so that they are few and little of the last is wasted. */
const leastTape = 2 ** 16;
const mostTape = 2 ** 24;

export class Scratch {
  readonly #heap: Heap;
  readonly #idle = new FreeStretches();
  #bytes = 0;

  constructor(heap: Heap) {
    this.#heap = heap;
  }

  /** Bytes that it has of the heap, idle or not. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * `bytes` in one piece. Where no idle stretch has as many, all go back to the heap first, to become part of a longer one:
   * that ends when there is one for the largest program.
   */
  take(bytes: number): Stretch {
    const at = this.#idle.take(bytes);
    if (at !== undefined) return { at, bytes };
    this.release();
    return this.#fresh(bytes);
  }

  /** `wanted` bytes, or where no idle stretch has as many, the longest that has `least`. */
  takeAbout(wanted: number, least: number): Stretch {
    const at = this.#idle.take(wanted);
    if (at !== undefined) return { at, bytes: wanted };
    return this.#idle.takeLongest(least) ?? this.#fresh(wanted);
  }

  #fresh(bytes: number): Stretch {
    const at = this.#heap.takeStretch(bytes);
    this.#bytes += bytes;
    return { at, bytes };
  }

  give(stretch: Stretch): void {
    this.#idle.give(stretch);
  }

  /** Lets the heap have what is idle. */
  release(): void {
    const idle = this.#idle.takeAll();
    for (const { bytes } of idle) this.#bytes -= bytes;
    this.#heap.giveStretches(idle);
  }
}

/** What one run has of it, and is counted as in use until it ends. */
export class Loan {
  readonly #heap: Heap;
  readonly #stretches: Stretch[] = [];
  #bytes = 0;
  #tape = 0;

  constructor(heap: Heap) {
    this.#heap = heap;
  }

  /** Address of `bytes` in one piece. */
  take(bytes: number): number {
    // a program that needs none has no address to ask for
    return bytes === 0 ? 0 : this.#hold(this.#heap.scratch.take(bytes)).at;
  }

  /** A further stretch of tape, of `least` bytes or more. */
  moreTape(least: number): Stretch {
    const usual = Math.min(mostTape, Math.max(leastTape, aligned(this.#tape / 4)));
    const stretch = this.#hold(this.#heap.scratch.takeAbout(Math.max(usual, least), least));
    this.#tape += stretch.bytes;
    return stretch;
  }

  #hold(stretch: Stretch): Stretch {
    this.#stretches.push(stretch);
    this.#bytes += stretch.bytes;
    this.#heap.count(stretch.bytes);
    return stretch;
  }

  /** Gives all of it back, and says how many bytes it was. */
  end(): number {
    const { scratch } = this.#heap;
    for (const stretch of this.#stretches) scratch.give(stretch);
    this.#heap.count(-this.#bytes);
    return this.#bytes;
  }
}
