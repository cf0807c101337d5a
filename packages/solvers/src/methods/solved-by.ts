/** An implicit method with another solver of its linear systems. */
import { ArgumentError } from '@neuralode/tensor';
import { shown } from '../call.ts';
import type { Gmres } from '../implicit/gmres.ts';
import type { ImplicitScheme } from '../implicit/scheme.ts';
import { requireKnownOptions } from '../option-names.ts';
import type { AdaptiveRungeKutta, FixedStepRungeKutta } from '../tableau.ts';

/** What every implicit method may be told. */
export interface ImplicitOptions {
  /** How its linear systems are solved: `gmres()` for large states. Densely, by LU factorisation, where left out. */
  readonly linearSolver?: Gmres;
}

/** `solver`, with its linear systems solved as told. */
export function solvedBy<S extends AdaptiveRungeKutta | FixedStepRungeKutta>(
  solver: S,
  options: ImplicitOptions = {},
): S {
  const { tableau } = solver;
  requireKnownOptions(options, ['linearSolver'], tableau.name);
  const { linearSolver } = options;
  if (linearSolver === undefined) return solver;
  if ((linearSolver as Partial<Gmres> | null)?.kind !== 'gmres') {
    throw new ArgumentError({
      what: `${tableau.name}: linearSolver is not one`,
      got: shown(linearSolver),
      remedy: 'Pass gmres(), or leave it out for dense systems',
    });
  }
  const implicit = { ...(tableau.implicit as ImplicitScheme), linearSolver };
  return { ...solver, tableau: { ...tableau, implicit } };
}
