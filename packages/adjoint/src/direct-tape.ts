/**
 * What the two passes of `direct()` share: the split graphs, the tape, and the backward node's attributes.
 */
import type { PullbackAttrs, SplitGraph } from '@neuralode/autodiff';
import type { OdeSolveAttrs, SolveEvent, StepKind } from '@neuralode/solvers';
import type { Run, Slot, Tape } from '@neuralode/tensor';

/** The graphs of one kind of step, each split into its forward and backward half. */
export interface SplitKind {
  readonly step: SplitGraph;
  readonly extend?: SplitGraph;
  /** Of the graph that interpolates at so many fractions, when it is first asked for. */
  observe(count: number): SplitGraph;
}

/** The graphs of a solve, split. */
export interface SplitSolve {
  /** Of the graph that makes the memory. */
  readonly start?: SplitGraph;
  /** Of a kind of step, split when it is first taken. */
  of(kind: StepKind): SplitKind;
}

/** The attributes of a solve that is recorded. */
export interface TapedAttrs extends OdeSolveAttrs {
  readonly halves: SplitSolve;
}

/** One event of the recorded solve with its residuals. */
export interface TapeEntry {
  readonly event: SolveEvent;
  readonly residuals: readonly Slot[];
}

/** What of the solve's inputs the graphs must give cotangents for. */
export interface Wanted {
  readonly times: boolean;
  /** One an arg. */
  readonly args: readonly boolean[];
}

/** Gives a recorded solve from its end. */
export interface Rewind<Entry extends { readonly event: unknown } = TapeEntry> {
  readonly events: readonly Entry['event'][];
  /** Evaluations of the field that it took to have residuals made again. */
  readonly evaluations: number;
  /**
   * What ran just before what was given so far, in the order in which it ran; undefined at the beginning. Good until
   * the next is asked for.
   */
  previous(): Run<readonly Entry[] | undefined>;
}

/** The whole tape at once. */
export function rewindOf<Entry extends { readonly event: unknown }>({
  entries,
}: Tape<Entry>): Rewind<Entry> {
  let left: readonly Entry[] | undefined = entries;
  return {
    events: entries.map(({ event }) => event),
    evaluations: 0,
    // biome-ignore lint/correctness/useYield: a tape has all residuals at hand
    *previous() {
      const stretch = left;
      left = undefined;
      return stretch;
    },
  };
}

/** The walk back over the tape. Inputs: the tape, the solve's inputs, the cotangents of its outputs. */
export interface BackAttrs extends PullbackAttrs<OdeSolveAttrs> {
  readonly halves: SplitSolve;
  readonly wanted: Wanted;
}
