/**
 * The times at which the latest steps of a multistep method ended, and which of them the next step builds on.
 */

/** Nodes of an interpolation, in units of the step from the time where it begins: 0 is that time, 1 is its end. */
export interface Nodes {
  /** Place of each in the list of times, newest first; the first is 0. */
  readonly places: readonly number[];
  readonly at: readonly number[];
}

/** Nodes this near to a whole number are taken for it: steps that rounding makes unequal are equal. */
const rounding = 1e-10;

export class StepGrid {
  readonly #depth: number;
  readonly #closest: number;
  /** Newest first. */
  #times: number[] = [];

  /**
   * @param depth how many times are remembered
   * @param closest a node nearer than this to its neighbour, in steps, is passed over: the difference of the two would
   *   be mostly error. That happens after a step that was cut short to land on a time.
   */
  constructor(depth: number, closest: number) {
    this.#depth = depth;
    this.#closest = closest;
  }

  /** Only what stands at `t` is known. */
  begin(t: number): void {
    this.#times = [t];
  }

  /** A step over `h` stands. */
  advance(h: number): void {
    this.#times.unshift(this.#times[0] + h);
    this.#times.length = Math.min(this.#times.length, this.#depth);
  }

  /** The next step begins at `t`: the end of the last one, but for rounding. */
  correct(t: number): void {
    this.#times[0] = t;
  }

  /** Up to `count` nodes for a step over `h`, newest first. */
  nodes(h: number, count: number): Nodes {
    const [now] = this.#times;
    const places: number[] = [];
    const at: number[] = [];
    for (let place = 0; place < this.#times.length && at.length < count; place++) {
      const node = (this.#times[place] - now) / h;
      if (at.length > 0 && (at.at(-1) as number) - node < this.#closest) continue;
      const whole = Math.round(node);
      // + 0, for no node is to be −0.
      at.push((Math.abs(node - whole) <= rounding ? whole : node) + 0);
      places.push(place);
    }
    return { places, at };
  }
}
