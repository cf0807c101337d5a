/** Stretches of memory that nobody has. */

export interface Stretch {
  readonly at: number;
  readonly bytes: number;
}

type Own = { -readonly [K in keyof Stretch]: Stretch[K] };

export class FreeStretches {
  /** In order of address; no two touch. */
  #list: Own[] = [];

  /** Address of `bytes` from the first stretch that has as many; nothing where none has. */
  take(bytes: number): number | undefined {
    const list = this.#list;
    const index = list.findIndex((each) => each.bytes >= bytes);
    if (index < 0) return undefined;
    const first = list[index];
    const { at } = first;
    if (first.bytes === bytes) list.splice(index, 1);
    first.at += bytes;
    first.bytes -= bytes;
    return at;
  }

  /** The longest stretch, whole, if it has `least` bytes. */
  takeLongest(least: number): Stretch | undefined {
    const list = this.#list;
    let longest = -1;
    list.forEach(({ bytes }, i) => {
      if (bytes >= least && (longest < 0 || bytes > list[longest].bytes)) longest = i;
    });
    return longest < 0 ? undefined : list.splice(longest, 1)[0];
  }

  /** The stretch that ends at `end`. */
  takeLast(end: number): Stretch | undefined {
    const last = this.#list.at(-1);
    return last !== undefined && last.at + last.bytes === end ? this.#list.pop() : undefined;
  }

  takeAll(): Stretch[] {
    const all = this.#list;
    this.#list = [];
    return all;
  }

  give({ at, bytes }: Stretch): void {
    const list = this.#list;
    let index = 0;
    while (index < list.length && list[index].at < at) index++;
    const before = list[index - 1];
    const after = list[index];
    const follows = before !== undefined && before.at + before.bytes === at;
    const precedes = after !== undefined && at + bytes === after.at;
    if (follows) before.bytes += precedes ? bytes + after.bytes : bytes;
    else if (precedes) {
      after.at = at;
      after.bytes += bytes;
    }
    if (follows && precedes) list.splice(index, 1);
    if (!follows && !precedes) list.splice(index, 0, { at, bytes });
  }

  /** The same for many: in one pass. */
  giveAll(stretches: readonly Stretch[]): void {
    const sorted = [...this.#list, ...stretches].sort((a, b) => a.at - b.at);
    this.#list = [];
    for (const { at, bytes } of sorted) {
      const last = this.#list.at(-1);
      if (last !== undefined && last.at + last.bytes === at) last.bytes += bytes;
      else this.#list.push({ at, bytes });
    }
  }
}
