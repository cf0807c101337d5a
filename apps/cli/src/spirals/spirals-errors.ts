/** What trained models say about spirals, and how far that is from the clean curves. */
import { jit } from '@neuralode/autodiff';
import type {
  AutoregressiveRnnParams,
  LatentOdeParams,
  SpiralScale,
  Spirals,
} from '@neuralode/latent-ode';
import { disposeTree, type HostArray } from '@neuralode/tensor';
import { firstSpirals, type SpiralsData, spanTimes } from './spirals-data.ts';
import type { SpiralsModels } from './spirals-models.ts';

/** Curves of a model for a set of spirals, in the units of the data: [count, times, 2], row-major. */
export interface Curves {
  readonly values: Float64Array;
  /** Times of each. */
  readonly times: number;
}

/** The latent ODE's curves over both spans of the test set, or the observed one of the training set. */
export async function reconstructions(
  { latent }: SpiralsModels,
  params: LatentOdeParams,
  { scale, times }: SpiralsData,
  set: Spirals,
): Promise<Curves> {
  const batch = firstSpirals(set, scale);
  const asked = times.slice(0, set.times.length);
  const curves = await jit((p: LatentOdeParams) => latent.reconstruct(p, batch, asked))(params);
  const values = inUnitsOfData(await curves.data(), scale);
  disposeTree([batch, curves]);
  return { values, times: asked.length };
}

/** The baseline's: one step ahead within the observed span, on its own predictions beyond. */
export async function predictions(
  { baseline }: SpiralsModels,
  params: AutoregressiveRnnParams,
  { scale, times, test }: SpiralsData,
): Promise<{ inside: Curves; beyond: Curves }> {
  const batch = firstSpirals(test, scale);
  const ahead = times.slice(spanTimes);
  const both = await jit((p: AutoregressiveRnnParams) => ({
    inside: baseline.predict(p, batch),
    beyond: baseline.extrapolate(p, batch, ahead),
  }))(params);
  const inside = inUnitsOfData(await both.inside.data(), scale);
  const beyond = inUnitsOfData(await both.beyond.data(), scale);
  disposeTree([batch, both]);
  return {
    inside: { values: inside, times: spanTimes },
    beyond: { values: beyond, times: ahead.length },
  };
}

function inUnitsOfData(values: HostArray, { mean, scale }: SpiralScale): Float64Array {
  return Float64Array.from(values, (value, i) => value * scale + mean[i % 2]!);
}

/** Where to compare: time indices of the set, and that of the curves' first time. */
interface Span {
  readonly from: number;
  readonly to: number;
  readonly curvesFrom?: number;
  /** Leaves out what comes before this index of each spiral. */
  readonly first?: (spiral: number) => number;
}

/** Root mean square distance of a coordinate from the clean curve. */
export function rmse(set: Spirals, curves: Curves, span: Span): number {
  const { from, to, curvesFrom = 0, first = () => 0 } = span;
  let squares = 0;
  let count = 0;
  for (let s = 0; s < set.count; s++) {
    for (let i = Math.max(from, first(s)); i < to; i++) {
      for (let d = 0; d < 2; d++) {
        const said = curves.values[(s * curves.times + i - curvesFrom) * 2 + d]!;
        squares += (said - set.clean[(s * set.times.length + i) * 2 + d]!) ** 2;
        count++;
      }
    }
  }
  return Math.sqrt(squares / count);
}

/** The first time after a spiral's first observation: before it, the baseline has nothing to predict from. */
export function afterFirstObservation({ mask, inside }: Spirals): (spiral: number) => number {
  return (spiral) => mask.indexOf(1, spiral * inside) - spiral * inside + 1;
}
