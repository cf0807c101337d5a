/** Plans memory: where each block lies, in a stretch that grows at its end only where nothing that is free is long enough. */
import { FreeStretches, type Stretch } from './free-stretches.ts';

/** Vectors are loaded fastest from such addresses. */
const alignment = 16;

export function aligned(bytes: number): number {
  return Math.ceil(bytes / alignment) * alignment;
}

const roomFor = (bytes: number): number => aligned(Math.max(1, bytes));

export class Arena {
  /** Below the top. */
  readonly #free = new FreeStretches();
  #top = 0;
  #peak = 0;

  /** Bytes that the whole plan needs. */
  get peak(): number {
    return this.#peak;
  }

  /** Offset of `bytes` that nobody else has until they are given back. First fit. */
  take(bytes: number): number {
    const wanted = roomFor(bytes);
    const free = this.#free.take(wanted);
    if (free !== undefined) return free;
    const at = this.#top;
    this.#top += wanted;
    this.#peak = Math.max(this.#peak, this.#top);
    return at;
  }

  give(at: number, bytes: number): void {
    this.#free.give({ at, bytes: roomFor(bytes) });
    this.#lower();
  }

  giveAll(stretches: readonly Stretch[]): void {
    this.#free.giveAll(stretches.map(({ at, bytes }) => ({ at, bytes: roomFor(bytes) })));
    this.#lower();
  }

  #lower(): void {
    this.#top = this.#free.takeLast(this.#top)?.at ?? this.#top;
  }
}
