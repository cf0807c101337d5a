/** Plans memory while a program is written: where each block lies, in a stretch of which the peak is known at the end. */

/** Vectors are loaded fastest from such addresses. */
const alignment = 16;

export function aligned(bytes: number): number {
  return Math.ceil(bytes / alignment) * alignment;
}

export class Arena {
  /** Free stretches below the top, in order; no two touch. */
  #free: { at: number; bytes: number }[] = [];
  #top = 0;
  #peak = 0;

  /** Bytes that the whole plan needs. */
  get peak(): number {
    return this.#peak;
  }

  /** Offset of `bytes` that nobody else has until they are given back. First fit. */
  take(bytes: number): number {
    const wanted = aligned(Math.max(1, bytes));
    const fit = this.#free.findIndex((stretch) => stretch.bytes >= wanted);
    if (fit >= 0) {
      const stretch = this.#free[fit];
      const { at } = stretch;
      if (stretch.bytes === wanted) this.#free.splice(fit, 1);
      else this.#free[fit] = { at: at + wanted, bytes: stretch.bytes - wanted };
      return at;
    }
    const at = this.#top;
    this.#top += wanted;
    this.#peak = Math.max(this.#peak, this.#top);
    return at;
  }

  give(at: number, bytes: number): void {
    const list = [...this.#free, { at, bytes: aligned(Math.max(1, bytes)) }];
    list.sort((a, b) => a.at - b.at);
    const merged: { at: number; bytes: number }[] = [];
    for (const stretch of list) {
      const last = merged.at(-1);
      if (last !== undefined && last.at + last.bytes === stretch.at) last.bytes += stretch.bytes;
      else merged.push({ ...stretch });
    }
    const last = merged.at(-1);
    if (last !== undefined && last.at + last.bytes === this.#top) {
      this.#top = last.at;
      merged.pop();
    }
    this.#free = merged;
  }
}
