/**
 * What an `odeSolve` node says of its solve: the attributes, and which input plays which part.
 */
import type { DerivativeRule, Graph } from '@neuralode/tensor';
import type { Control } from './control.ts';
import type { Method } from './method.ts';
import type { SolvePass, SolveStatus } from './errors.ts';
import type { Witness } from './solve-witness.ts';
import type { Oversight } from './step-report.ts';
import type { StopTimes } from './stops.ts';

/** What one row of a batched solve took. */
export interface RowStats {
  readonly accepted: number;
  readonly rejected: number;
}

/** What a finished solve cost. */
export interface SolveStats {
  /** Evaluations of the field; in a batched solve, of the field on the whole batch. */
  readonly nfe: number;
  /** Evaluations of its Jacobian, by implicit methods; not counted as evaluations of the field. */
  readonly jacobians: number;
  /** Matrices factorised, by implicit methods. */
  readonly factorisations: number;
  /** Steps that stand; in a batched solve of all rows together, as are those rejected. */
  readonly accepted: number;
  readonly rejected: number;
  /** Evaluations of the field that a backward pass repeated, beside `nfe`, because the forward pass did not keep them. */
  readonly recomputed?: number;
  readonly status: SolveStatus;
  /** Whether this was the solve asked for, or the one that its gradient ran. */
  readonly pass: SolvePass;
  /** Row by row, of a batched solve. */
  readonly rows?: readonly RowStats[];
}

/** How a solve is differentiated in reverse mode: an object of `@neuralode/adjoint`. */
export interface GradientMethod {
  readonly name: string;
  /** Only of one that does not fit every method. */
  readonly requires?: undefined;
  readonly vjp: DerivativeRule<OdeSolveAttrs>['vjp'];
}

/** A gradient method for reversible methods only: `reversible()`. */
export interface ReversibleGradientMethod extends Omit<GradientMethod, 'requires'> {
  readonly requires: 'reversible';
}

/** What happens to a leaf of the state at each interior time: y ← (keep ? y : 0) + jump. */
export interface LeafJump {
  readonly keep: boolean;
}

/**
 * Inputs of the node: the times [T] (only where `times` is absent), the leaves of y₀, the jumps [T − 2, …] of the
 * leaves that have one, args. Outputs: each leaf at all times, [T, …], before the jump there.
 *
 * In a batched solve every leaf has a leading axis of rows, which have times of their own: the times are [B, T].
 */
export interface OdeSolveAttrs extends Oversight {
  /** Inputs: t (a scalar), the leaves of the state, args. Outputs: their derivatives. */
  readonly body: Graph;
  /** Number of leaves of the state. */
  readonly leaves: number;
  /** The times, where they are known when recording; otherwise they are the first input. */
  readonly times?: readonly number[];
  /** Number of rows, where each has steps of its own (batched-run.ts). The field's t is then [B]. */
  readonly batch?: number;
  /** What `times` is for a batched solve: the times of each row. */
  readonly rowTimes?: readonly (readonly number[])[];
  /**
   * Integrated beside the state of a batched solve, and summed over its rows. Inputs: t [B], weights w [B], the leaves
   * of the state, args. Outputs: Σᵣ wᵣ qᵣ, of any shapes. The node has one more output for each, the sum over the rows
   * of ∫ qᵣ dt: so a gradient that all rows share needs no memory for each row.
   */
  readonly quadrature?: Graph;
  /** One entry a leaf; undefined where it does not jump. */
  readonly jumps: readonly (LeafJump | undefined)[];
  /** Which leaves count in the error norm. */
  readonly steered: readonly boolean[];
  readonly method: Method;
  /** Which leaves belong to q, where the method is for a state [q, p]. */
  readonly positions?: readonly boolean[];
  readonly control: Control;
  readonly pass: SolvePass;
  readonly gradient?: GradientMethod | ReversibleGradientMethod;
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

/** Whether the times are the node's first input: only then there are derivatives by them. */
export function timesAreInput({ times, rowTimes }: OdeSolveAttrs): boolean {
  return times === undefined && rowTimes === undefined;
}

export function solveInputs<T>(inputs: readonly T[], attrs: OdeSolveAttrs): SolveInputs<T> {
  const first = timesAreInput(attrs) ? 1 : 0;
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
  const { times = attrs.rowTimes?.[0] } = attrs;
  return times?.length ?? (inputs[0].shape.at(-1) as number);
}
