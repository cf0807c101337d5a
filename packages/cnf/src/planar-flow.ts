/**
 * The baseline: planar normalizing flows of K layers (Rezende and Mohamed 2015, section 4.1),
 *
 *     g(z) = z + û tanh(wᵀz + b),        log |det ∂g/∂z| = log |1 + (1 − tanh²) wᵀû|,
 *
 * with û = u + (m(wᵀu) − wᵀu) w/‖w‖², m(x) = −1 + log(1 + eˣ), so that wᵀû ≥ −1 and each layer can be undone (their
 * appendix A.1). A layer has no inverse in closed form: for density matching the layers carry the base to the data, for
 * maximum likelihood the data to the base, and the other direction is found numerically.
 */
import {
  ArgumentError,
  concat,
  type Random,
  scan,
  type Tensor,
  type TensorOptions,
  where,
  zeros,
} from '@neuralode/tensor';
import type { Base } from './base.ts';
import type { Mapped } from './cnf.ts';
import { requirePoints } from './points.ts';

/** Parameters of K layers. */
export interface PlanarFlowParams {
  /** [K, dimension]. */
  readonly u: Tensor;
  /** [K, dimension]. */
  readonly w: Tensor;
  /** [K]. */
  readonly b: Tensor;
}

/** Settings of `planarFlow`. */
export interface PlanarFlowOptions {
  readonly base: Base;
  /** K. */
  readonly layers: number;
  /** Where the layers lead from the base: to the data (density matching), or from the data to it (likelihood). */
  readonly direction: 'toData' | 'toBase';
}

/** The baseline: pure functions, to be called inside recorded functions or `evaluate`. */
export interface PlanarFlow {
  readonly dimension: number;
  readonly base: Base;
  init(rng: Random, options?: TensorOptions): PlanarFlowParams;
  /** From points of the base to points of the data, with log |det ∂x/∂z|. */
  transformWithLogDet(params: PlanarFlowParams, z: Tensor): Mapped;
  /** From points of the data to points of the base, with log |det ∂z/∂x|. */
  inverseWithLogDet(params: PlanarFlowParams, x: Tensor): Mapped;
  /** log p(x) in nats: [batch]. */
  logProb(params: PlanarFlowParams, x: Tensor): Tensor;
}

/** Makes the baseline; see the head of this file. The direction against the layers has no gradient. */
export function planarFlow({ base, layers, direction }: PlanarFlowOptions): PlanarFlow {
  if (!(Number.isSafeInteger(layers) && layers > 0)) {
    throw new ArgumentError({
      what: 'planarFlow: number of layers',
      got: String(layers),
      expected: 'a positive integer',
    });
  }
  const { dimension } = base;
  const along = direction === 'toData';
  const checked =
    (map: typeof throughLayers, who: string) =>
    (params: PlanarFlowParams, points: Tensor): Mapped => {
      requirePoints(points, dimension, who);
      return map(params, points);
    };
  const inverseWithLogDet = checked(along ? backThroughLayers : throughLayers, 'inverseWithLogDet');
  return {
    dimension,
    base,
    init(rng, options) {
      const w = rng.normal([layers, dimension], 0, 1, options);
      // wᵀu = log(e − 1) makes wᵀû = 0: the layers begin near the identity, where u = 0 would make each contract.
      const neutral = w.mul(Math.log(Math.E - 1)).div(w.square().sum(1, true).maximum(0.1));
      const u = rng.normal([layers, dimension], 0, 0.05, options).add(neutral);
      return { u, w, b: rng.normal([layers], 0, 1, options) };
    },
    transformWithLogDet: checked(along ? throughLayers : backThroughLayers, 'transformWithLogDet'),
    inverseWithLogDet,
    logProb(params, x) {
      const { points, logDet } = inverseWithLogDet(params, x);
      return base.logProb(points).add(logDet);
    },
  };
}

/** One layer as [dimension, 1] columns and numbers. */
interface PlanarLayer {
  readonly w: Tensor;
  /** Constrained. */
  readonly u: Tensor;
  /** wᵀû. */
  readonly slope: Tensor;
  readonly b: Tensor;
}

function constrained({ u, w, b }: PlanarFlowParams): PlanarLayer {
  const product = u.mul(w).sum();
  const slope = product.softplus().sub(1);
  const raised = u.add(w.mul(slope.sub(product).div(w.square().sum())));
  return { w: w.reshape([-1, 1]), u: raised.reshape([1, -1]), slope, b };
}

function throughLayers(params: PlanarFlowParams, start: Tensor): Mapped {
  const logDet = zeros([start.shape[0], 1], { dtype: start.dtype });
  const [end] = scan(
    ({ points, logDet: sum }: Mapped, raw: PlanarFlowParams) => {
      const { w, u, slope, b } = constrained(raw);
      const h = points.matMul(w).add(b).tanh(); // [batch, 1]
      const factor = h.square().neg().add(1).mul(slope).add(1);
      return [{ points: points.add(h.mul(u)), logDet: sum.add(factor.log()) }, undefined];
    },
    { points: start, logDet },
    params,
  );
  return { points: end.points, logDet: end.logDet.squeeze(-1) };
}

/** Halvings of an interval of size ~1: below the rounding of float64. */
const halvings = 60;

/**
 * Undoes the layers. For y = g(z), α = wᵀz solves α + wᵀû tanh(α + b) = wᵀy, whose left side grows with α; as |tanh| < 1
 * the root is within |wᵀû| of wᵀy, and is found by bisection.
 */
function backThroughLayers(params: PlanarFlowParams, end: Tensor): Mapped {
  const logDet = zeros([end.shape[0], 1], { dtype: end.dtype });
  const [start] = scan(
    ({ points, logDet: sum }: Mapped, raw: PlanarFlowParams) => {
      const { w, u, slope, b } = constrained(raw);
      const wanted = points.matMul(w);
      const bracket = concat([wanted.sub(slope.abs()), wanted.add(slope.abs())], 1);
      const [closed] = scan(
        (ends: Tensor) => {
          const [low, high] = [ends.slice([0, 0], [-1, 1]), ends.slice([0, 1], [-1, 1])];
          const middle = low.add(high).mul(0.5);
          const above = middle.add(middle.add(b).tanh().mul(slope)).greater(wanted);
          return [concat([where(above, low, middle), where(above, middle, high)], 1), undefined];
        },
        bracket,
        {},
        { length: halvings },
      );
      const h = closed.mean(1, true).add(b).tanh();
      const factor = h.square().neg().add(1).mul(slope).add(1);
      return [{ points: points.sub(h.mul(u)), logDet: sum.sub(factor.log()) }, undefined];
    },
    { points: end, logDet },
    params,
    { reverse: true },
  );
  return { points: start.points, logDet: start.logDet.squeeze(-1) };
}
