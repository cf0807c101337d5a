/**
 * What a batched solve tells whoever records it for backpropagation. Its run is a straight line of graphs, each reading
 * cells and writing fresh ones; so the tape is that line, and the backward pass its mirror image, whatever the graphs
 * are for.
 */
import { releaseAll, type Slot } from '@neuralode/tensor';
import type { RowStride } from './row-clock.ts';
import type { RunnableRowGraph } from './row-graphs.ts';

/**
 * A value of a batched solve, known by its number: two cells may share a buffer. The inputs of the node other than the
 * times are the first cells, in their order: y₀, jumps, args.
 */
export interface Cell {
  readonly id: number;
  readonly slot: Slot;
}

/** Numbers that the host gave to a graph, and that move with the times: entry i belongs to the step `strides[i]`. */
export interface HostNumbers {
  readonly of: 't' | 'h' | 'theta';
  /** The row of each entry. */
  readonly rows: readonly number[];
  readonly strides: readonly RowStride[];
  /** Of `theta`: the observation's index and the number itself. */
  readonly inside?: readonly { readonly index: number; readonly theta: number }[];
}

/** What the host decided for the rows, and gave to a graph: a mask, or indices. It does not move with the times. */
export interface RowChoice {
  readonly values: readonly number[];
  readonly dtype: 'bool' | 'int32';
}

export type RowEvent<R extends RunnableRowGraph = RunnableRowGraph> =
  /** A graph ran on the way to the result. */
  | {
      readonly kind: 'run';
      readonly graph: R;
      readonly numbers: readonly HostNumbers[];
      readonly choices: readonly RowChoice[];
      readonly reads: readonly number[];
      readonly writes: readonly number[];
      /** Where its rows stand among the observations, which they are. Place: index of the time · B + row. */
      readonly places?: readonly number[];
    }
  /** These rows of the state, as it stands, are the observations at `places`. */
  | {
      readonly kind: 'emit';
      readonly reads: readonly number[];
      readonly rows: readonly number[];
      readonly places: readonly number[];
    };

/** Who is told of the events of a batched solve, and owns the residuals. */
export interface RowLog<R extends RunnableRowGraph = RunnableRowGraph> {
  /** Whether the events are kept for a backward pass. */
  readonly keeps: boolean;
  note(event: RowEvent<R>, residuals: readonly Slot[]): void;
  /** Before every step: what the later ones depend on, beside the inputs of the node. Borrowed. */
  stands?(cells: readonly Cell[]): void;
}

/** For a solve that nobody records. */
export const noRowLog: RowLog = { keeps: false, note: (_, residuals) => releaseAll(residuals) };
