/**
 * What happens to a state at an observation at which it jumps: y ← keep · y + jump, leaf by leaf.
 */
import { type Backend, primitives as p, runKernel, type Slot, sliceOf } from '@neuralode/tensor';
import type { OdeSolveAttrs } from './solve-attrs.ts';

/**
 * @param y the leaves of the state, replaced where they jump
 * @param stacks the jumps at all interior observations, one stack a leaf that jumps; borrowed
 * @param at which observation this is, of how many
 */
export function applyJumps(
  backend: Backend,
  { jumps, body }: OdeSolveAttrs,
  y: Slot[],
  stacks: readonly Slot[],
  at: { readonly index: number; readonly count: number },
): void {
  let next = 0;
  jumps.forEach((jump, leaf) => {
    if (jump === undefined) return;
    const { shape, dtype } = body.inputs[1 + leaf];
    const stack = { shape: [at.count - 2, ...shape], dtype };
    const addend = sliceOf(backend, stacks[next++], stack, at.index - 1);
    const old = y[leaf];
    const spec = { shape, dtype };
    try {
      y[leaf] = jump.keep
        ? runKernel(backend, p.add, [
            { slot: old, spec },
            { slot: addend, spec },
          ])
        : addend.retain();
    } finally {
      addend.release();
    }
    old.release();
  });
}
