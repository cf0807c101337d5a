/**
 * What a user may ask of `odeint`, as types: an option that does not fit the method is an error of the compiler.
 */
import type { Tensor } from '@neuralode/tensor';
import type { StepController } from './control.ts';
import type { ControllerGains } from './controllers.ts';
import type { OutputOptions } from './eager-solve.ts';
import type { TensorEvent } from './events/event-search.ts';
import type { ErrorNorm } from './norms.ts';
import type { GradientMethod, ReversibleGradientMethod, SolveStats } from './solve-attrs.ts';
import type { Oversight } from './step-report.ts';
import type { StopTimes } from './stops.ts';
import type {
  AdaptiveSolver,
  FixedStepSolver,
  ReversibleAdaptiveSolver,
  ReversibleFixedStepSolver,
} from './tableau.ts';

/**
 * The right-hand side f(t, y, args): `t` a scalar tensor, `y` a tree of tensors of the state's structure and shapes.
 * In a batched solve `t` is a tensor [B], the time of each row.
 * Returns dy/dt of the same structure, shapes and dtypes.
 */
export type Field<Y, Args = undefined> = (t: Tensor, y: Y, args: Args) => Y;

interface CommonOptions<Args> extends Oversight, StopTimes {
  /** Handed to the field; a tree whose tensors are differentiated. What the field captures is differentiated too. */
  readonly args?: Args;
  /**
   * Every leaf of the state has a leading axis of B rows, and each row has its own steps, errors and, where `ts` is
   * [B, T], times. The field receives `t` as a tensor [B]; its rows must not depend on each other. Default false.
   */
  readonly batched?: boolean;
  /** How the solve is differentiated in reverse mode: `direct()` or `backsolve()` of @neuralode/adjoint. */
  readonly gradient?: GradientMethod;
  /** A MaxStepsError after so many attempted steps. Default 100,000. */
  readonly maxSteps?: number;
  /** Called on the host with the cost of each run of this solve, failed ones too, and of each run of its gradient. */
  readonly onSolve?: (stats: SolveStats) => void;
  /** Times at which a step must end. */
  readonly stepAt?: readonly number[];
  /** Times at which the field is not continuous: no step crosses them. */
  readonly jumpAt?: readonly number[];
}

/** With a method that has an error estimate. */
export interface AdaptiveOptions<Args> extends CommonOptions<Args> {
  /** Default `dopri5()`. */
  readonly solver?: AdaptiveSolver;
  /** Relative tolerance of a step's error. Default 1e-6. */
  readonly rtol?: number;
  /** Absolute tolerance of a step's error. Default 1e-8. */
  readonly atol?: number;
  /** Length of the first step, in units of time. Default: by Hairer's rule. */
  readonly firstStep?: number;
  /** A step that would have to be shorter fails the solve. */
  readonly minStep?: number;
  /** No step is longer than this, in units of time. */
  readonly maxStep?: number;
  /** Such as `pi42()`. Default: `elementary()`; of dopri5 `hairerPI()`, of implicit methods
   * `gustafssonPredictive()`. */
  readonly controller?: StepController | ControllerGains;
  /** By which a step's error is measured: `maxNorm()`, `perLeafNorm()`. Default `rmsNorm()`. */
  readonly norm?: ErrorNorm;
  /** Only for a fixed-step solver. */
  readonly stepSize?: undefined;
}

/** With a method that takes the step it is told. */
export interface FixedStepOptions<Args> extends CommonOptions<Args> {
  readonly solver: FixedStepSolver;
  /** Length of a step, in units of time. The last one before t_end is shortened. */
  readonly stepSize: number;
  /** Only for an adaptive solver, as are the next ones. */
  readonly rtol?: undefined;
  readonly atol?: undefined;
  readonly firstStep?: undefined;
  readonly minStep?: undefined;
  readonly maxStep?: undefined;
  readonly controller?: undefined;
  readonly norm?: undefined;
}

/** With a gradient that needs steps which can be undone. */
type ReversibleOptions<Args> =
  | (Omit<AdaptiveOptions<Args>, 'solver' | 'gradient'> & {
      readonly solver: ReversibleAdaptiveSolver;
      readonly gradient: ReversibleGradientMethod;
    })
  | (Omit<FixedStepOptions<Args>, 'solver' | 'gradient'> & {
      readonly solver: ReversibleFixedStepSolver;
      readonly gradient: ReversibleGradientMethod;
    });

export type OdeintOptions<Args> =
  | AdaptiveOptions<Args>
  | FixedStepOptions<Args>
  | ReversibleOptions<Args>;

/** With all that depends on the structure of the state. */
export type Options<Y, Args, Saved> = OutputOptions<Y, Saved> & {
  /**
   * One or several: conditions whose crossing of zero is found, and may end the solve or change the state. Not inside a
   * recorded function.
   */
  readonly events?: TensorEvent<Y, Args> | readonly TensorEvent<Y, Args>[];
} & (
    | FixedStepOptions<Args>
    | ReversibleOptions<Args>
    | (Omit<AdaptiveOptions<Args>, 'norm'> & {
        /** By which a step's error is measured: such as `maxNorm()`, or a function of the tree of scaled errors. */
        readonly norm?: ErrorNorm | ((errors: Y) => Tensor);
      })
  );
