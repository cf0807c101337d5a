/**
 * What the two passes of `direct()` through a batched solve share: its graphs in halves, the tape, and the backward
 * node's attributes.
 */
import type { PullbackAttrs, SplitGraph } from '@neuralode/autodiff';
import type { OdeSolveAttrs, RowEvent, RowGraph, RunnableRowGraph } from '@neuralode/solvers';
import type { Graph, Slot } from '@neuralode/tensor';
import type { Wanted } from './direct-tape.ts';

/** A graph of the solve in two halves. */
export interface SplitRowGraph extends RunnableRowGraph {
  readonly half: SplitGraph;
  /** Only what moves: without what steers, and without residuals. */
  readonly bare: Graph;
  readonly role: RowGraph;
  /** Which of its inputs get a cotangent. */
  readonly needs: readonly boolean[];
}

/** A solve's event; or that a step begins, which with all that follow it depends on these cells and the inputs alone. */
export type RowCourseEvent =
  | RowEvent<SplitRowGraph>
  | { readonly kind: 'stands'; readonly cells: readonly number[]; readonly places?: undefined };

/** One event of the recorded solve with its residuals. */
export interface RowTapeEntry {
  readonly event: RowCourseEvent;
  readonly residuals: readonly Slot[];
}

/** The walk back over the tape. Inputs: the tape, the solve's inputs, the cotangents of its outputs. */
export interface RowBackAttrs extends PullbackAttrs<OdeSolveAttrs> {
  readonly wanted: Wanted;
}
