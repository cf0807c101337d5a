/** An implicit method with another solver of its linear systems. */
import type { Gmres } from '../implicit/gmres.ts';
import type { ImplicitScheme } from '../implicit/scheme.ts';
import type { AdaptiveRungeKutta, FixedStepRungeKutta } from '../tableau.ts';

/** What every implicit method may be told. */
export interface ImplicitOptions {
  /** How its linear systems are solved: `gmres()` for large states. Densely, by LU factorisation, where left out. */
  readonly linearSolver?: Gmres;
}

/** `solver`, with its linear systems solved as told. */
export function solvedBy<S extends AdaptiveRungeKutta | FixedStepRungeKutta>(
  solver: S,
  { linearSolver }: ImplicitOptions = {},
): S {
  if (linearSolver === undefined) return solver;
  const { tableau } = solver;
  const implicit = { ...(tableau.implicit as ImplicitScheme), linearSolver };
  return { ...solver, tableau: { ...tableau, implicit } };
}
