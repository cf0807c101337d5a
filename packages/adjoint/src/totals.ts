/**
 * Sums of cotangents that a walk back over a tape gathers.
 */
import {
  type Backend,
  primitives as p,
  releaseAll,
  runKernel,
  type Slot,
  type Spec,
  zerosOf,
} from '@neuralode/tensor';

/** Running sums of cotangents by key; a key that was never added to is zero. */
export class Totals {
  readonly #backend: Backend;
  readonly #slots = new Map<number, Slot>();

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** Adds `term`, whose reference it takes over, times `weight`. */
  add(key: number, term: Slot, spec: Spec, weight = 1): void {
    const total = this.#slots.get(key);
    const operands = [{ slot: term, spec }];
    if (total !== undefined) operands.unshift({ slot: total, spec });
    if (total === undefined && weight === 1) {
      this.#slots.set(key, term);
      return;
    }
    const weights = total === undefined ? [weight] : [1, weight];
    const sum = runKernel(this.#backend, p.linearCombination, operands, { weights });
    term.release();
    total?.release();
    this.#slots.set(key, sum);
  }

  has(key: number): boolean {
    return this.#slots.has(key);
  }

  /** The sum, which the caller then owns; zeros of `spec` where there is none. The key starts afresh. */
  take(key: number, spec: Spec): Slot {
    const slot = this.#slots.get(key);
    this.#slots.delete(key);
    return slot ?? zerosOf(this.#backend, spec);
  }

  /** Adds the sum under `key` of `other`, if any, to that of `key` here; the key starts afresh there. */
  absorb(other: Totals, key: number, spec: Spec): void {
    const slot = other.#slots.get(key);
    if (slot === undefined) return;
    other.#slots.delete(key);
    this.add(key, slot, spec);
  }

  release(): void {
    releaseAll(this.#slots.values());
    this.#slots.clear();
  }
}
