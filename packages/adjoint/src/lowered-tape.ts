/** The tape of a compiled `direct()`: its frames by kind, and the two halves of each graph that fill and read them. */
import { LoweredSplit, type SplitGraph } from '@neuralode/autodiff';
import type { OdeSolveAttrs, SolveEvent } from '@neuralode/solvers';
import type { Block, Lowering, ProgramTape } from '@neuralode/tensor';
import type { SplitSolve } from './direct-tape.ts';

/** Kinds of frames, by their place. */
export const kinds = ['start', 'step', 'extend', 'dense', 'emit', 'jump'] as const;
/** How many numbers the event of each kind has. */
export const numbers: Readonly<Record<SolveEvent['kind'], number>> = {
  start: 2,
  step: 5,
  extend: 1,
  dense: 3,
  emit: 1,
  jump: 1,
};

export type Halves = Readonly<Partial<Record<SolveEvent['kind'], LoweredSplit>>>;

/** What the forward pass leaves to the backward one. */
export interface LoweredTape {
  readonly tape: ProgramTape;
  readonly halves: Halves;
}

export function lowerHalves(
  code: Lowering,
  { method }: OdeSolveAttrs,
  halves: SplitSolve,
  args: readonly Block[],
): Halves {
  const make = (split: SplitGraph, takesArgs = true): LoweredSplit => {
    const count = split.forward.inputs.length - (takesArgs ? args.length : 0);
    const none = new Array<undefined>(count).fill(undefined);
    return new LoweredSplit(code, split, takesArgs ? [...none, ...args] : none);
  };
  const { step, extend, observe } = halves.of(method.course().plan(0, 0).kind);
  return {
    ...(halves.start !== undefined && { start: make(halves.start) }),
    step: make(step),
    dense: make(observe(1), false),
    ...(extend !== undefined && { extend: make(extend) }),
  };
}
