/**
 * What a solve tells whoever records it for backpropagation: every graph that it ran on the way to the result, and what
 * that graph gave beyond its plain outputs (the residuals of `direct()`).
 */
import { releaseAll, type Slot } from '@neuralode/tensor';
import type { StepKind } from './method.ts';

/** One graph that was run on the way to the result. */
export type SolveEvent =
  /** The memory was made anew, at the start or after a jump. */
  | { readonly kind: 'start'; readonly segment: number; readonly position: number }
  /** A step was accepted: from `position`, over `length`, both as fractions of the segment. */
  | {
      readonly kind: 'step';
      readonly step: StepKind;
      readonly segment: number;
      readonly position: number;
      readonly length: number;
      readonly h: number;
    }
  /** What only the interpolant needs was made, in the step just accepted. */
  | { readonly kind: 'extend'; readonly step: StepKind; readonly h: number }
  /** Observation `index` was interpolated in the step just accepted. */
  | {
      readonly kind: 'dense';
      readonly step: StepKind;
      readonly index: number;
      readonly theta: number;
      readonly h: number;
    }
  /** Observation `index` is the state as it stands. */
  | { readonly kind: 'emit'; readonly index: number }
  /** The state jumped after observation `index`. */
  | { readonly kind: 'jump'; readonly index: number };

/** Who is told of the events of a solve, and owns the residuals. */
export interface SolveLog {
  /** `residuals` are the outputs that the graph gave beyond the plain ones; the log owns them. */
  note(event: SolveEvent, residuals: readonly Slot[]): void;
}

/** For a solve that nobody records. */
export const noLog: SolveLog = { note: (_, residuals) => releaseAll(residuals) };
