/**
 * What the Newton iterations of one solve share: the Jacobian and its factorisation, kept from stage to stage and from
 * step to step while they serve, and a count of what was spent.
 *
 * It travels as an opaque input of the step's graph, so that it belongs to one run, whoever else runs the same graph at
 * the same time. No value of a step depends on it but within the tolerance of the iteration.
 */
import { Slot } from '@neuralode/tensor';
import type { Lu } from './lu.ts';

/** Why an iteration gave up: the function was not finite where it began, or the iterates ran away. */
export type NewtonFailure = 'non-finite' | 'diverged';

/** A slower iteration than this asks for a new Jacobian at the next step (RADAU5's default). */
const slowRate = 1e-3;

/** How much h may differ from that of the factorisation before a new one is made. */
const sameStep = 1e-9;

export class NewtonWork extends Slot {
  evaluations = 0;
  jacobians = 0;
  factorisations = 0;
  /** What went wrong in this attempt at a step. */
  failure: NewtonFailure | undefined;
  /** θ/(1 − θ) of the latest iteration with this factorisation. */
  remainder = 1;
  /** Largest θ since the Jacobian was taken into use at this step. */
  #rate = 0;
  #jacobian: Slot | undefined;
  #lu: Lu | undefined;
  #step = Number.NaN;
  #fresh = false;

  /** An attempt at a step of length `h` begins. */
  attempt(h: number): void {
    this.failure = undefined;
    if (!this.#fresh && this.#rate > slowRate) this.forget();
    if (!(Math.abs(h / this.#step - 1) <= sameStep)) this.#lu = undefined;
    if (this.#lu === undefined) this.remainder = 1;
    this.#step = h;
    this.#rate = 0;
  }

  /** The step was accepted: the Jacobian is now that of a state left behind. */
  accept(): void {
    this.#fresh = false;
  }

  /** The state jumped, or what is kept does not serve. */
  forget(): void {
    this.#jacobian?.release();
    this.#jacobian = undefined;
    this.#lu = undefined;
    this.remainder = 1;
  }

  /** An iteration converged at this rate. */
  converged(rate: number, remainder: number): void {
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
