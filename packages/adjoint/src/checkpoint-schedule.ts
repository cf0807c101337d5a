/**
 * Which states to keep, so that the steps of a solve can be had again in reverse with few of them repeated: numbers only.
 *
 * While a solve runs, nobody knows how many steps it will take. Then the rule of Wang, Moin and Iaccarino ("Minimal
 * repetition dynamic checkpointing algorithm for unsteady adjoint calculation", SIAM J. Sci. Comput. 31, 2009) says which
 * state makes room for the next. On the way back the number is known, and the placing is optimal: the binomial one of
 * Griewank and Walther ("Algorithm 799: revolve", ACM Trans. Math. Softw. 26, 2000).
 *
 * The state at the very start can always be had and does not count.
 */

/** β(s, r) = (s + r)! / (s! r!): how many steps can be reversed with s states, the first included, none repeated more than r times. */
export function reversible(states: number, repeats: number): number {
  if (repeats < 0) return 0;
  let count = 1;
  for (let i = 1; i <= repeats; i++) count = (count * (states + i)) / i;
  return count;
}

/** The fewest repetitions r with β(s, r) ≥ steps. */
export function repetitions(steps: number, states: number): number {
  let repeats = 0;
  while (reversible(states, repeats) < steps) repeats++;
  return repeats;
}

/**
 * How far to go from a kept state until the next one is kept, to reverse `steps` steps (two or more) with `states` states,
 * the first included (two or more). Optimal is every m with β(s, r − 2) ≤ m ≤ β(s, r − 1) and β(s − 1, r − 1) ≤ steps − m ≤
 * β(s − 1, r); this is the smallest.
 */
export function nextCheckpoint(steps: number, states: number): number {
  const repeats = repetitions(steps, states);
  return Math.max(1, reversible(states, repeats - 2), steps - reversible(states - 1, repeats));
}

interface Placed {
  readonly position: number;
  readonly level: number;
}

/** Where states are kept while the steps are counted up. */
export class OnlineSchedule {
  readonly #budget: number;
  /** In the order of positions. */
  readonly #placed: Placed[] = [];

  constructor(budget: number) {
    this.#budget = budget;
  }

  /** The solve stands before step `position`, one further than last time; that state is kept. Returns which one is not any more. */
  reach(position: number): number | undefined {
    if (this.#placed.length < this.#budget) {
      this.#placed.push({ position, level: 0 });
      return undefined;
    }
    const spare = this.#dispensable();
    const gone = spare === -1 ? this.#placed.length - 1 : spare;
    const [{ position: dropped, level }] = this.#placed.splice(gone, 1);
    this.#placed.push({ position, level: spare === -1 ? level + 1 : 0 });
    return dropped;
  }

  /** The first that is followed by one of a higher level; −1 where there is none. */
  #dispensable(): number {
    const highest = this.#placed.map(() => -1);
    for (let i = this.#placed.length - 2; i >= 0; i--) {
      highest[i] = Math.max(highest[i + 1], this.#placed[i + 1].level);
    }
    return this.#placed.findIndex(({ level }, i) => level < highest[i]);
  }
}
