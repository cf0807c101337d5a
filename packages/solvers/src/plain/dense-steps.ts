/**
 * A solution on plain numbers that can be evaluated anywhere: every step with its stages.
 */
import { requireSteps, stepHolding } from '../step-index.ts';
import type { PlainSteps } from './plain-steps.ts';

interface KeptStep {
  readonly start: number;
  readonly h: number;
  readonly y: Float64Array;
  readonly k: readonly Float64Array[];
}

export class DenseSteps {
  readonly #steps: PlainSteps;
  readonly #from: number;
  readonly #direction: 1 | -1;
  readonly #kept: KeptStep[] = [];
  readonly #ends: number[] = [];

  constructor(steps: PlainSteps, from: number, direction: 1 | -1) {
    this.#steps = steps;
    this.#from = from;
    this.#direction = direction;
  }

  /** Keeps the latest step, which is good up to `end`. */
  add(start: number, end: number, h: number): void {
    this.#steps.extend(start, h);
    const { y, k } = this.#steps;
    this.#kept.push({ start, h, y: y.slice(), k: k.map((stage) => stage.slice()) });
    this.#ends.push(end);
  }

  /** The latest step is good a rounding further, to where the next one begins. */
  continueTo(end: number): void {
    this.#ends[this.#ends.length - 1] = end;
  }

  at(t: number, who: string): Float64Array {
    requireSteps(this.#kept.length, who);
    const place = stepHolding(t, this.#from, this.#ends, this.#direction, who);
    const { start, h, y, k } = this.#kept[place];
    const row = new Float64Array(y.length);
    this.#steps.interpolate(row, (t - start) / h, h, y, k);
    return row;
  }
}
