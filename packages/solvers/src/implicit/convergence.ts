/**
 * When an iteration z ← z + δ has converged, and when it will not (Hairer, Wanner II, section IV.8, "Stopping
 * criterion"): with θ the ratio of successive increments, what is left after this one is about θ/(1 − θ) ‖δ‖.
 */

export interface NewtonControl {
  readonly maxIterations: number;
  /** How far from the root an iterate may be, in units of the scale. */
  readonly tolerance: number;
  /**
   * Iterate until rounding, whose size this is, hides all progress; for steps that no tolerance steers. The tolerance
   * is then relative to the size of the solution or the scale, whichever is larger.
   */
  readonly rounding?: number;
}

export type Verdict = 'continue' | 'converged' | 'failed';

export class Convergence {
  readonly #control: NewtonControl;
  readonly #initialRemainder: number;
  /** Increments judged. */
  count = 0;
  #first = 0;
  #previous = 0;
  #previousRatio = 0;
  /** θ; 0 until there are two increments. */
  rate = 0;
  /** θ/(1 − θ). */
  remainder: number;

  /** @param remainder θ/(1 − θ) of the iteration before this one, with the same matrix: it may spare an evaluation */
  constructor(control: NewtonControl, remainder = 1) {
    this.#control = control;
    this.#initialRemainder = Math.max(remainder, Number.EPSILON) ** 0.8;
    this.remainder = remainder;
  }

  /** @param norm of the increment just found, in units of the scale */
  judge(norm: number): Verdict {
    const { rounding, maxIterations } = this.#control;
    if (!Number.isFinite(norm)) return 'failed';
    const count = ++this.count;
    if (norm === 0) return 'converged';
    const verdict = count === 1 ? this.#judgeFirst(norm) : this.#judgeLater(norm, count, rounding);
    this.#previous = norm;
    return verdict === 'continue' && count >= maxIterations ? 'failed' : verdict;
  }

  #judgeFirst(norm: number): Verdict {
    const { tolerance, rounding } = this.#control;
    this.#first = Math.max(1, norm);
    const converged = rounding === undefined && this.#initialRemainder * norm <= tolerance;
    return converged ? 'converged' : 'continue';
  }

  #judgeLater(norm: number, count: number, rounding: number | undefined): Verdict {
    const { tolerance, maxIterations } = this.#control;
    const ratio = norm / this.#previous;
    this.rate = count === 2 ? ratio : Math.sqrt(ratio * this.#previousRatio);
    this.#previousRatio = ratio;
    if (rounding !== undefined && norm <= rounding ** (2 / 3) * this.#first && ratio > 0.9) {
      return 'converged';
    }
    if (this.rate >= 0.99) return 'failed';
    this.remainder = this.rate / (1 - this.rate);
    const limit = rounding === undefined ? tolerance : tolerance * this.#first;
    if (this.remainder * norm <= limit) return 'converged';
    const atBest = this.remainder * norm * this.rate ** (maxIterations - count);
    return atBest > limit && rounding === undefined ? 'failed' : 'continue';
  }
}

/** RMS of the elements of `increment` in units of `scale`. */
export function scaledNorm(increment: Float64Array, scale: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < increment.length; i++) total += (increment[i] / scale[i]) ** 2;
  return Math.sqrt(total / Math.max(1, increment.length));
}
