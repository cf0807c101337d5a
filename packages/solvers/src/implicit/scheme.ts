/**
 * What makes a tableau implicit: which of its stages must be solved for together, and how.
 */

import type { Gmres } from './gmres.ts';

interface Scheme {
  /** How linear systems are solved; by dense LU factorisation where absent. */
  readonly linearSolver?: Gmres;
}

/** One stage at a time, all with the same γ on the diagonal or 0 (DIRK, SDIRK, ESDIRK): row i of `a` has i + 1 entries. */
export interface DiagonalScheme extends Scheme {
  readonly kind: 'diagonal';
  readonly gamma: number;
}

/** All stages at once (Gauss, Radau): rows of `a` are full. */
export interface CoupledScheme extends Scheme {
  readonly kind: 'coupled';
  /**
   * γ₀ of an error estimate (I − h γ₀ J)⁻¹ h (γ₀ f(t, y) + Σ errorᵢ kᵢ), with `error` b̂ − b of an embedded method that has
   * f(t, y) for one stage more. It stays bounded where h J is large (Hairer, Wanner II, section IV.8).
   */
  readonly startWeight?: number;
  /**
   * Whether that estimate E is then made once more, with f(t, y + E) for f(t, y): far smaller where f is stiff and y off its
   * slow solutions (formula IV.8.20 of the book). One more evaluation.
   */
  readonly refined?: boolean;
}

/**
 * Rosenbrock's: each stage is one linear solve. In the form free of products with J (Hairer, Wanner II, section IV.7), with
 * k = u/h: (I/γ − h J) kᵢ = f(t + cᵢ h, y + h Σ aᵢⱼ kⱼ) + Σ couplingᵢⱼ kⱼ + timeWeightsᵢ h ∂f/∂t.
 */
export interface RosenbrockScheme extends Scheme {
  readonly kind: 'rosenbrock';
  readonly gamma: number;
  readonly coupling: readonly (readonly number[])[];
  readonly timeWeights: readonly number[];
}

export type ImplicitScheme = DiagonalScheme | CoupledScheme | RosenbrockScheme;
