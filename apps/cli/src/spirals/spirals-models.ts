/** The latent ODE of `spirals` and its baseline, by the sizes of the paper. */
import {
  type AutoregressiveRnn,
  autoregressiveRnn,
  type LatentOde,
  latentOde,
} from '@neuralode/latent-ode';
import type { SolveStats } from '@neuralode/solvers';
import type { SpiralsOptions } from '../options.ts';
import { solveOptions } from '../solve-options.ts';
import { type SpiralsData, spanTimes } from './spirals-data.ts';

/** Standard deviation of the noise on the observations, in the units of the data. */
export const noise = 0.3;

export interface SpiralsModels {
  readonly latent: LatentOde;
  readonly baseline: AutoregressiveRnn;
}

export function spiralsModels(
  options: SpiralsOptions,
  { scale }: SpiralsData,
  onSolve: (stats: SolveStats) => void,
): SpiralsModels {
  // where every time is observed, the gaps are all the same and say nothing
  const gaps = options.points < spanTimes;
  const solve = solveOptions(options, 1 / 10);
  return {
    latent: latentOde({
      observed: 2,
      observationNoise: noise / scale.scale,
      gaps,
      ...solve,
      onSolve,
    }),
    baseline: autoregressiveRnn({ observed: 2, gaps }),
  };
}
