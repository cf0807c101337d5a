/**
 * What the run loop knows of a method: the kinds of steps it takes, what one step leaves to the next, and who chooses
 * among the kinds. A Runge-Kutta method has one kind; a multistep method has one for every order and length of memory.
 *
 * What a step leaves behind is counted in groups: a group is one tensor for each leaf of the state, shaped like it.
 */
import type { Graph } from '@neuralode/tensor';
import type { ControllerGains } from './controllers.ts';
import type { StepCost } from './implicit/cost.ts';
import type { OdeSolveAttrs } from './solve-attrs.ts';
import type { Problem } from './step-graphs.ts';
import type { Tableau } from './tableau.ts';

/** The graphs of one kind of step. Leaf lists are in the order of the state, group after group. */
export interface KindGraphs {
  /**
   * Inputs: t, h, coefficients [n] (if any), y, the given groups, args, and a `NewtonWork` if the kind is implicit.
   * Outputs: y₁, the fresh groups, and, where errors are estimated, those: a scalar, or a list whose first decides.
   */
  readonly step: Graph;
  /** Inputs: t, h, coefficients (if any), y, the given and the fresh groups, args. Outputs: what only the interpolant needs. */
  readonly extend?: Graph;
  /** Inputs: θ, h, y, the given, the fresh and the further groups. Outputs: y(t + θh). */
  readonly dense: Graph;
  /**
   * The same at several fractions at once. Inputs: θ [count], h, and the rest as for `dense`. Outputs: a list of states,
   * each leaf [count, …]. Where a kind has no quicker way than one by one, it may leave this out.
   */
  readonly observe?: (count: number) => Graph;
  /**
   * The way back of a reversible method. Inputs: t, h, coefficients (if any), y₁, the whole memory after the step, args.
   * Outputs: y, the whole memory before it.
   */
  readonly reverse?: Graph;
}

/** One kind of step. */
export interface StepKind {
  readonly name: string;
  /** How many groups it is given, the newest of those that earlier steps left. */
  readonly given: number;
  /** How many groups it makes. */
  readonly fresh: number;
  /** Which of the fresh groups the next steps may be given, newest first. */
  readonly leaves: readonly number[];
  /** How many groups `extend` makes. */
  readonly further: number;
  /** How many numbers of the course it takes beside t and h. */
  readonly coefficients: number;
  /** As `Method.errorOrder`, where its own differs from that. */
  readonly errorOrder?: number;
  /** Whether it is solved for: its graph then has a `NewtonWork` as last input. */
  readonly implicit: boolean;
  readonly cost: {
    /** Of an attempt, besides what Newton's iteration counts itself. */
    readonly step: StepCost;
    /** Of its reverse mode. */
    readonly reverse: StepCost;
    /** Evaluations of `extend`. */
    readonly extend: number;
  };
  record(attrs: OdeSolveAttrs, problem: Problem): KindGraphs;
}

/** The step to try next. */
export interface PlannedStep {
  readonly kind: StepKind;
  /** As many as the kind takes. */
  readonly coefficients: readonly number[];
  /** h times this multiplies the Jacobian in Newton's matrix; only a change of their product asks for a new one. Default 1. */
  readonly newtonWeight?: number;
}

/** Decides, in one run, on the kinds of its steps: numbers only, on the host. */
export interface Course {
  /** The memory was made anew at t: nothing is left of the steps before. */
  begin(t: number): void;
  /** The step to try from `t` over `h`. */
  plan(t: number, h: number): PlannedStep;
  /**
   * The step planned last was tried, with these errors (none in fixed steps), and stands or not. Returns the length of the
   * next step, where that is not for the controller to say.
   */
  judged(h: number, errors: readonly number[], stands: boolean): number | undefined;
}

export interface Method {
  readonly name: string;
  /** Order of y₁; of a method that varies it, the highest. */
  readonly order: number;
  /** The size of the error goes with h^(errorOrder + 1); of a method that varies it, at the start. Absent without an estimate. */
  readonly errorOrder?: number;
  /** How many groups are kept from step to step. */
  readonly memory: number;
  /**
   * How the memory is made where there is none, from t, y and args: as f(t, y) or by a graph. Absent where the first
   * step is given nothing.
   */
  readonly start?: 'field' | ((problem: Problem) => Graph);
  /** How often that evaluates the field. Default 1. */
  readonly startEvaluations?: number;
  /** Whether any kind of its steps is. */
  readonly implicit: boolean;
  /** Whether its steps can be undone, to rounding: their kinds then have `reverse`. */
  readonly reversible?: true;
  /** Whether it is for a state [q, p], whose halves it moves in turns. */
  readonly pairs?: true;
  /** The rate of Newton's iteration above which the next step takes a new Jacobian. Default: RADAU5's, 1e-3. */
  readonly slowRate?: number;
  /** As `Tableau.controller`. */
  readonly controller?: ControllerGains;
  /** Whether its course says how long each step is, so that a controller has no part in it. */
  readonly choosesLengths?: boolean;
  /** Of a Runge-Kutta method. */
  readonly tableau?: Tableau;
  course(): Course;
}

/** A method whose steps can be undone. */
export interface ReversibleMethod extends Method {
  readonly reversible: true;
}
