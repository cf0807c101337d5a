/**
 * What a solve tells whoever records it for backpropagation: every graph that it ran on the way to the result, and what
 * that graph gave beyond its plain outputs (the residuals of `direct()`).
 */
import { releaseAll, type Slot } from '@neuralode/tensor';
import type { Inherited, NewtonWork } from './implicit/newton-work.ts';
import type { PlannedStep, StepKind } from './method.ts';

/** One graph that was run on the way to the result. */
export type SolveEvent =
  /** The memory was made anew, at the start or after a jump. */
  | {
      readonly kind: 'start';
      readonly t: number;
      readonly segment: number;
      readonly position: number;
    }
  | StepEvent
  /** What only the interpolant needs was made, in the step just accepted. */
  | { readonly kind: 'extend'; readonly step: StepKind; readonly h: number }
  /** Observations `index`, `index` + 1, … were interpolated in the step just accepted, at these fractions of it. */
  | {
      readonly kind: 'dense';
      readonly step: StepKind;
      readonly index: number;
      readonly thetas: readonly number[];
      readonly h: number;
    }
  /** Observation `index` is the state as it stands. */
  | { readonly kind: 'emit'; readonly index: number }
  /** The state jumped after observation `index`. */
  | { readonly kind: 'jump'; readonly index: number };

/** A step was accepted: from `position`, over `length`, both as fractions of the segment. */
export interface StepEvent {
  readonly kind: 'step';
  readonly planned: PlannedStep;
  /** Of an implicit step. */
  readonly inherited?: Inherited;
  readonly segment: number;
  readonly position: number;
  readonly length: number;
  readonly t: number;
  readonly h: number;
}

/** How many observations are made at an event. */
export function countObserved(event: SolveEvent): number {
  if (event.kind === 'dense') return event.thetas.length;
  return event.kind === 'emit' ? 1 : 0;
}

/** All that a solve goes on from, but for the time: enough to repeat its later steps bit for bit. */
export interface Standing {
  readonly y: readonly Slot[];
  /** What earlier steps left, newest group first. */
  readonly memory: readonly Slot[];
  /** Of an implicit method. */
  readonly work?: NewtonWork;
}

/** Who is told of the events of a solve, and owns the residuals. */
export interface SolveLog {
  /** `residuals` are the outputs that the graph gave beyond the plain ones; the log owns them. */
  note(event: SolveEvent, residuals: readonly Slot[]): void;
  /** Told before each step that will be accepted, and once for each, where the solve stands. All of it is borrowed. */
  stands?(standing: Standing): void;
  /**
   * Told where the solve stands after its last step, and before the state jumps or the memory is made anew. All of it is
   * borrowed.
   */
  ends?(standing: Standing): void;
}

/** For a solve that nobody records. */
export const noLog: SolveLog = { note: (_, residuals) => releaseAll(residuals) };
