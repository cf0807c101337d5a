/**
 * What an `odeSolve` node says of its solve: the attributes, and which input plays which part.
 */
import type { DerivativeRule, Graph } from '@neuralode/tensor';
import type { Control } from './control.ts';
import type { SolvePass, SolveStatus } from './errors.ts';
import type { Witness } from './solve-witness.ts';
import type { Oversight } from './step-report.ts';
import type { StopTimes } from './stops.ts';
import type { Tableau } from './tableau.ts';

/** What a finished solve cost. */
export interface SolveStats {
  /** Evaluations of the field. */
  readonly nfe: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly status: SolveStatus;
  /** Whether this was the solve asked for, or the one that its gradient ran. */
  readonly pass: SolvePass;
}

/** How a solve is differentiated in reverse mode: an object of `@neuralode/adjoint`. */
export interface GradientMethod {
  readonly name: string;
  readonly vjp: DerivativeRule<OdeSolveAttrs>['vjp'];
}

/** What happens to a leaf of the state at each interior time: y ← (keep ? y : 0) + jump. */
export interface LeafJump {
  readonly keep: boolean;
}

/**
 * Inputs of the node: the times [T] (only where `times` is absent), the leaves of y₀, the jumps [T − 2, …] of the
 * leaves that have one, args. Outputs: each leaf at all times, [T, …], before the jump there.
 */
export interface OdeSolveAttrs extends Oversight {
  /** Inputs: t (a scalar), the leaves of the state, args. Outputs: their derivatives. */
  readonly body: Graph;
  /** Number of leaves of the state. */
  readonly leaves: number;
  /** The times, where they are known when recording; otherwise they are the first input. */
  readonly times?: readonly number[];
  /** One entry a leaf; undefined where it does not jump. */
  readonly jumps: readonly (LeafJump | undefined)[];
  /** Which leaves count in the error norm. */
  readonly steered: readonly boolean[];
  readonly tableau: Tableau;
  readonly control: Control;
  readonly pass: SolvePass;
  readonly gradient?: GradientMethod;
  /** Times to land on. */
  readonly stops?: StopTimes;
  /** Called on the host after each run, also one that failed. */
  readonly onSolve?: (stats: SolveStats) => void;
  /** Looks on. Only for a solve that is run once, eagerly. */
  readonly witness?: Witness;
}

/** The inputs of an `odeSolve` node by their role. */
export interface SolveInputs<T> {
  readonly times: T | undefined;
  readonly y0: readonly T[];
  /** One a leaf that jumps. */
  readonly jumps: readonly T[];
  readonly args: readonly T[];
}

export function solveInputs<T>(inputs: readonly T[], attrs: OdeSolveAttrs): SolveInputs<T> {
  const first = attrs.times === undefined ? 1 : 0;
  const jumping = attrs.jumps.filter((jump) => jump !== undefined).length;
  const afterState = first + attrs.leaves;
  return {
    times: first === 1 ? inputs[0] : undefined,
    y0: inputs.slice(first, afterState),
    jumps: inputs.slice(afterState, afterState + jumping),
    args: inputs.slice(afterState + jumping),
  };
}

/** How many times a solve observes. */
export function countTimes(
  inputs: readonly { shape: readonly number[] }[],
  attrs: OdeSolveAttrs,
): number {
  return attrs.times?.length ?? inputs[0].shape[0];
}
