/** The neural ODE of `fit`: an autonomous field over the columns (and unobserved dimensions), and learned starts. */
import { type DenseParams, mlp } from '@neuralode/nn';
import { odeint, type SolveStats } from '@neuralode/solvers';
import { getBackend, type Random, type Tensor, tensor } from '@neuralode/tensor';
import type { FitOptions } from '../options.ts';
import { solveOptions } from '../solve-options.ts';
import { firstStarts, type Segments } from './segments.ts';
import type { Series } from './series.ts';

export interface FitParams {
  readonly field: readonly DenseParams[];
  /** [segments, dimensions]. */
  readonly starts: Tensor;
}

/** One recording of the loss: what is seen of the grid. */
export interface Seen {
  /** The first points of the grid. */
  readonly points: number;
  /** Values among them. */
  readonly values: number;
  /** [points, segments, columns]. */
  readonly targets: Tensor;
  readonly mask: Tensor;
}

/** Shrinks the last layer at first: the path starts slow, and learns its pace. */
const firstPace = 0.3;

export class FitModel {
  readonly columns: number;
  readonly dimensions: number;
  readonly #segments: Segments;
  readonly #series: Series;
  readonly #options: FitOptions;
  readonly #field: ReturnType<typeof mlp>;

  constructor(series: Series, segments: Segments, options: FitOptions) {
    this.#series = series;
    this.#segments = segments;
    this.#options = options;
    this.columns = series.scales.length;
    this.dimensions = this.columns + extraDimensions(this.columns, options.augment);
    this.#field = mlp([this.dimensions, options.hidden, this.dimensions]);
  }

  init(rng: Random): FitParams {
    const [hidden, last] = this.#field.init(rng);
    const field = [hidden!, { ...last!, weight: last!.weight.mul(firstPace) }];
    return { field, starts: this.#initStarts(rng) };
  }

  #initStarts(rng: Random): Tensor {
    const { columns, dimensions } = this;
    const known = firstStarts(this.#series, this.#segments);
    const starts = Float64Array.from({ length: this.#segments.count * dimensions }, (_, i) => {
      const dimension = i % dimensions;
      const segment = Math.floor(i / dimensions);
      return dimension < columns ? known[segment * columns + dimension]! : 0.1 * rng.nextNormal();
    });
    const { floatDType: dtype } = getBackend();
    return tensor(starts, [this.#segments.count, dimensions], { dtype });
  }

  /** The path from `starts` [batch, dimensions] at the given times: [times, batch, dimensions]. */
  solve(
    params: FitParams,
    starts: Tensor,
    times: readonly number[],
    onSolve?: (stats: SolveStats) => void,
  ) {
    return odeint((_t, y, p) => this.#field.apply(p, y), starts, times, {
      args: params.field,
      ...solveOptions(this.#options, this.#series.spacing),
      ...(onSolve === undefined ? {} : { onSolve }),
    });
  }

  /** Mean square of the seen misses, and of the gaps between segments once they are reached. */
  loss(params: FitParams, seen: Seen, onSolve: (stats: SolveStats) => void): Tensor {
    const { grid, count } = this.#segments;
    const { ys } = this.solve(params, params.starts, grid.slice(0, seen.points), onSolve);
    const observed = ys.slice([0, 0, 0], [-1, -1, this.columns]);
    const misses = observed.sub(seen.targets).mul(seen.mask);
    const loss = misses.square().sum().div(Math.max(1, seen.values));
    if (count === 1 || seen.points < grid.length) return loss;
    const ends = ys.at(-1).slice([0, 0], [count - 1, -1]);
    const next = params.starts.slice([1, 0], [count - 1, -1]);
    return loss.add(ends.sub(next).square().mean());
  }

  /** The field at states [batch, dimensions]. */
  derivative(params: FitParams, states: Tensor): Tensor {
    return this.#field.apply(params.field, states);
  }
}

/** One dimension alone cannot swing: its path never passes a value twice in different directions. */
function extraDimensions(columns: number, asked: number | undefined): number {
  return asked ?? (columns === 1 ? 2 : 0);
}
