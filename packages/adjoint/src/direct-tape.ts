/**
 * What the two passes of `direct()` share: the split graphs, the tape, and the backward node's attributes.
 */
import type { PullbackAttrs, SplitGraph } from '@neuralode/autodiff';
import type { OdeSolveAttrs, SolveEvent, StepKind } from '@neuralode/solvers';
import type { Slot } from '@neuralode/tensor';

/** The graphs of one kind of step, each split into its forward and backward half. */
export interface SplitKind {
  readonly step: SplitGraph;
  readonly extend?: SplitGraph;
  readonly dense: SplitGraph;
}

/** The graphs of a solve, split. */
export interface SplitSolve {
  /** Of the graph that makes the memory. */
  readonly start?: SplitGraph;
  /** Of a kind of step, split when it is first taken. */
  of(kind: StepKind): SplitKind;
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

/** The walk back over the tape. Inputs: the tape, the solve's inputs, the cotangents of its outputs. */
export interface BackAttrs extends PullbackAttrs<OdeSolveAttrs> {
  readonly halves: SplitSolve;
  readonly wanted: Wanted;
}
