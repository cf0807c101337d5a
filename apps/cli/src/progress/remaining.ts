/** Seconds left, from the pace of the last iterations: they grow longer as the horizon does. */
export class Remaining {
  readonly #window: { iteration: number; at: number }[] = [];
  readonly #total: number;

  constructor(total: number) {
    this.#total = total;
  }

  /** Notes an iteration; undefined until a pace can be seen. */
  after(iteration: number, now: number): number | undefined {
    this.#window.push({ iteration, at: now });
    if (this.#window.length > 50) this.#window.shift();
    const { iteration: first, at } = this.#window[0]!;
    if (iteration === first) return undefined;
    return ((this.#total - iteration) * (now - at)) / 1000 / (iteration - first);
  }
}
