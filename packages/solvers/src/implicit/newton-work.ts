/**
 * What the Newton iterations of one solve share: the Jacobian and its factorisation, kept from stage to stage and from
 * step to step while they serve, and a count of what was spent.
 *
 * It travels as an opaque input of the step's graph, so that it belongs to one run, whoever else runs the same graph at
 * the same time. No value of a step depends on it but within the tolerance of the iteration.
 */
import { Slot } from '@neuralode/tensor';
import type { StepCost } from './cost.ts';
import { lagrangeWeights } from './lagrange.ts';
import type { Lu } from './lu.ts';

/** Why an iteration gave up: the function was not finite where it began, or the iterates ran away. */
export type NewtonFailure = 'non-finite' | 'diverged';

/** A slower iteration than this asks for a new Jacobian at the next step: RADAU5's default. */
const usualSlowRate = 1e-3;

/** The iterations that a step may need before its successor is shortened noticeably: RADAU5's limit. */
const usualIterations = 7;

/** A step that could grow by less than this stays as it is: RADAU5's default. */
const worthIt = 1.2;

/** How much h may differ from that of the factorisation before a new one is made. */
const sameStep = 1e-9;

interface Stages {
  readonly z: Float64Array;
  readonly h: number;
}

/** What of earlier steps an attempt found to start with. */
export interface Inherited {
  readonly jacobian: boolean;
  readonly factors: boolean;
  readonly stages: boolean;
  readonly remainder: number;
}

export class NewtonWork extends Slot {
  readonly #slowRate: number;
  evaluations = 0;
  jacobians = 0;
  factorisations = 0;
  /** What went wrong in this attempt at a step. */
  failure: NewtonFailure | undefined;
  /** θ/(1 − θ) of the latest iteration with this factorisation. */
  remainder = 1;
  /** Largest θ since the Jacobian was taken into use at this step. */
  #rate = 0;
  /** The most that one solve needed in this attempt. */
  #iterations = 1;
  #jacobian: Slot | undefined;
  #lu: Lu | undefined;
  #step = Number.NaN;
  #fresh = false;
  /** The stages of the step being tried, z of all stages one after another, and of the last one that was accepted. */
  #trial: Stages | undefined;
  #previous: Stages | undefined;

  constructor(slowRate = usualSlowRate) {
    super();
    this.#slowRate = slowRate;
  }

  /** An attempt at a step of length `h` begins. */
  attempt(h: number): Inherited {
    if (!this.#fresh && this.#rate > this.#slowRate) this.forget();
    if (!(Math.abs(h / this.#step - 1) <= sameStep)) this.#lu = undefined;
    this.#begin(h);
    return {
      jacobian: this.#jacobian !== undefined && !this.#fresh,
      factors: this.#lu !== undefined,
      stages: this.#previous !== undefined,
      remainder: this.remainder,
    };
  }

  /** A step of length `h` that was accepted is taken once more, straight after the one before it. */
  repeat(h: number, { jacobian, factors, stages, remainder }: Inherited): void {
    // What a rejected attempt had made for this step is made again, from the same state.
    if (!jacobian) this.forget();
    if (!factors) this.#lu = undefined;
    if (!stages) this.#previous = undefined;
    this.#begin(h);
    this.remainder = remainder;
  }

  #begin(h: number): void {
    this.failure = undefined;
    this.#iterations = 1;
    this.#trial = undefined;
    if (this.#lu === undefined) this.remainder = 1;
    this.#step = h;
    this.#rate = 0;
  }

  /** As it stands, but for what was counted. What it keeps is shared, not copied. */
  copy(): NewtonWork {
    const twin = new NewtonWork(this.#slowRate);
    twin.remainder = this.remainder;
    twin.#rate = this.#rate;
    twin.#jacobian = this.#jacobian?.retain();
    twin.#lu = this.#lu;
    twin.#step = this.#step;
    twin.#fresh = this.#fresh;
    twin.#previous = this.#previous;
    return twin;
  }

  /** Linear algebra that was done outside an iteration. */
  charge({ jacobians, factorisations }: StepCost): void {
    this.jacobians += jacobians;
    this.factorisations += factorisations;
  }

  /** The step was accepted: the Jacobian is now that of a state left behind. */
  accept(): void {
    this.#fresh = false;
    this.#previous = this.#trial;
  }

  /** The state jumped. */
  jump(): void {
    this.forget();
    this.#previous = undefined;
  }

  /**
   * Where to start for the stages at `nodes`, all together: where the polynomial through the state and the stages of the
   * step before would have them (Hairer, Wanner II, section IV.8).
   */
  extrapolate(nodes: readonly number[]): Float64Array | undefined {
    if (this.#previous === undefined) return undefined;
    const { z, h } = this.#previous;
    const size = z.length / nodes.length;
    const ratio = this.#step / h;
    const known = [0, ...nodes];
    const atEnd = lagrangeWeights(known, 1);
    const start = new Float64Array(z.length);
    nodes.forEach((node, i) => {
      const weights = lagrangeWeights(known, 1 + node * ratio).map((each, j) => each - atEnd[j]);
      for (let j = 0; j < z.length; j++) {
        start[i * size + (j % size)] += weights[1 + Math.floor(j / size)] * z[j];
      }
    });
    return start;
  }

  /** The stages that were found, for the next step to start from. */
  keepStages(z: Float64Array): void {
    this.#trial = { z, h: this.#step };
  }

  /** What is kept does not serve. */
  forget(): void {
    this.#jacobian?.release();
    this.#jacobian = undefined;
    this.#lu = undefined;
    this.remainder = 1;
  }

  /**
   * The length of the next step, where the error alone would have it `size`: half of this one if the iteration failed,
   * and shorter the more iterations were needed; the same where it would hardly grow and the factorisation still serves
   * (Hairer, Wanner II, section IV.8).
   */
  advise(h: number, size: number): number {
    if (this.failure !== undefined) return Math.abs(h) / 2;
    const wish = (size * (2 * usualIterations + 1)) / (2 * usualIterations + this.#iterations);
    const growth = wish / Math.abs(h);
    const serves = this.#lu !== undefined && this.#rate <= this.#slowRate;
    return serves && growth >= 1 && growth <= worthIt ? Math.abs(h) : wish;
  }

  /** An iteration converged, at this rate. */
  converged(rate: number, remainder: number, iterations: number): void {
    this.#iterations = Math.max(this.#iterations, iterations);
    this.#rate = Math.max(this.#rate, rate);
    this.remainder = remainder;
  }

  /** Whether the Jacobian was evaluated at the state that this step starts from. */
  get fresh(): boolean {
    return this.#fresh;
  }

  /** Borrowed. */
  get jacobian(): Slot | undefined {
    return this.#jacobian;
  }

  get lu(): Lu | undefined {
    return this.#lu;
  }

  keepJacobian(jacobian: Slot): void {
    this.forget();
    this.#jacobian = jacobian;
    this.#fresh = true;
    this.jacobians++;
  }

  keepLu(lu: Lu): void {
    this.#lu = lu;
    this.factorisations++;
  }

  protected free(): void {
    this.forget();
  }
}
