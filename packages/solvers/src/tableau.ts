/**
 * A method as data: a Runge-Kutta tableau with its error weights and its continuous extension.
 */
import type { ControllerGains } from './controllers.ts';
import type { ImplicitScheme } from './implicit/scheme.ts';
import type { Method, ReversibleMethod } from './method.ts';

/**
 * Coefficients of a Runge-Kutta method with s stages, in the notation of Hairer, Nørsett, Wanner,
 * "Solving Ordinary Differential Equations I" (2nd ed., 1993), section II.1:
 * kᵢ = f(t + cᵢ h, y + h Σⱼ aᵢⱼ kⱼ), y₁ = y + h Σ bᵢ kᵢ.
 */
export interface Tableau {
  readonly name: string;
  /** Order of y₁. */
  readonly order: number;
  readonly c: readonly number[];
  /** Row i has i entries where the method is explicit. */
  readonly a: readonly (readonly number[])[];
  readonly b: readonly number[];
  /** b − b̂: the error estimate is E = h Σ errorᵢ kᵢ. Absent where the method has none. */
  readonly error?: readonly number[];
  /**
   * Weights of a coarser estimate E′, which steadies the first: the size of the error is then
   * ‖E‖² / √(‖E‖² + 0.01 ‖E′‖²), as in Hairer's code DOP853.
   */
  readonly coarseError?: readonly number[];
  /** The size of the error goes with h^(errorOrder + 1): for one estimate, the order of the embedded solution y₁ − E. */
  readonly errorOrder?: number;
  /** First same as last: the last stage is f(t + h, y₁), and serves the next step as its first. */
  readonly fsal: boolean;
  /** Further stages that only the interpolant needs: evaluated once a step, and only if something is observed in it. */
  readonly denseStages?: DenseStages;
  /** Inside a step, with these further stages after the others, y(t + θh) = y + h Σᵢ bᵢ(θ) kᵢ with bᵢ(θ) = Σⱼ interpolant[i][j] θ^(j+1). */
  readonly interpolant: readonly (readonly number[])[];
  /** Order of that interpolation. */
  readonly interpolantOrder: number;
  /** Gains of the controller where a user gives none. Default: the elementary ones, or predictive where implicit. */
  readonly controller?: ControllerGains;
  /** How the stages are solved for; absent where they are explicit. */
  readonly implicit?: ImplicitScheme;
}

/** Stages s + 1, s + 2, … in the notation of the tableau: row i of a has s + i entries. */
export interface DenseStages {
  readonly c: readonly number[];
  readonly a: readonly (readonly number[])[];
}

/** How many stages the interpolant combines. */
export function countInterpolated({ c, denseStages }: Tableau): number {
  return c.length + (denseStages?.c.length ?? 0);
}

/** A Runge-Kutta method without an error estimate. */
export interface FixedStepRungeKutta {
  readonly kind: 'fixed';
  readonly tableau: Tableau;
}

/** A Runge-Kutta method with an error estimate. */
export interface AdaptiveRungeKutta {
  readonly kind: 'adaptive';
  readonly tableau: Tableau;
}

/** A method without an error estimate whose steps can be undone. */
export interface ReversibleFixedStepSolver {
  readonly kind: 'fixed';
  readonly method: ReversibleMethod;
}

/** A method with an error estimate whose steps can be undone. */
export interface ReversibleAdaptiveSolver {
  readonly kind: 'adaptive';
  readonly method: ReversibleMethod;
}

/** A method without an error estimate: it takes the step it is told. */
export type FixedStepSolver =
  | FixedStepRungeKutta
  | { readonly kind: 'fixed'; readonly method: Method };

/** A method that chooses its steps by its error estimate. */
export type AdaptiveSolver =
  | AdaptiveRungeKutta
  | { readonly kind: 'adaptive'; readonly method: Method };

export type Solver = FixedStepSolver | AdaptiveSolver;
