/**
 * The paper's planar field of width M with gates (Chen, Rubanova, Bettencourt, Duvenaud 2018, section 4):
 *
 *     f(t, z) = 1/M Σₙ (σₙ(t) ∘ uₙ(t)) tanh(wₙ(t)ᵀ z + bₙ(t)),
 *
 * all of wₙ, uₙ, bₙ and the gates' arguments read from a hypernetwork of t, with two hidden layers of tanh; a gate for
 * each component of uₙ and the mean over the units are as in the public example of the paper's authors. Its trace has a
 * closed form:
 *
 *     tr ∂f/∂z = 1/M Σₙ (1 − tanh²) wₙᵀ (σₙ ∘ uₙ).
 */
import { type DenseParams, dense } from '@neuralode/nn';
import { ArgumentError, type Random, type Tensor } from '@neuralode/tensor';
import { type FlowField, type Linearised, requireDimension, timeColumn } from './field.ts';

/** Settings of `planarField`. */
export interface PlanarFieldOptions {
  readonly dimension: number;
  /** Hidden units M. Default 64. */
  readonly width?: number;
  /** Units of the hypernetwork's two hidden layers. Default 32. */
  readonly hyperWidth?: number;
}

/** Parameters: the layers of the hypernetwork 1 → hyperWidth → hyperWidth → 3 M dimension + M. */
export type PlanarFieldParams = readonly DenseParams[];

/** What the hypernetwork says at some time, with a leading axis of rows where each row has its own. */
interface Units {
  /** [dimension, M]. */
  readonly w: Tensor;
  /** [M, dimension], gated. */
  readonly u: Tensor;
  /** [M]. */
  readonly b: Tensor;
}

/** Uniform in ±1/√inputs, weights and biases alike, so that the units differ from the start at every t. */
function layer(inputs: number, outputs: number) {
  const limit = 1 / Math.sqrt(inputs);
  const draw = (rng: Random, shape: readonly number[], options?: object): Tensor =>
    rng.uniform(shape, -limit, limit, options);
  return dense(inputs, outputs, { weights: draw, biases: draw });
}

/** Makes the field; see the head of this file. It takes no context. */
export function planarField(options: PlanarFieldOptions): FlowField<PlanarFieldParams> {
  const { dimension, width = 64, hyperWidth = 32 } = options;
  requireDimension(dimension, 'planarField');
  const block = width * dimension;
  const layers = [
    layer(1, hyperWidth),
    layer(hyperWidth, hyperWidth),
    layer(hyperWidth, 3 * block + width),
  ];

  const unitsAt = (params: PlanarFieldParams, t: Tensor): Units => {
    const hidden = layers
      .slice(0, -1)
      .reduce((h, each, i) => each.apply(params[i], h).tanh(), timeColumn(t));
    const all = layers.at(-1)!.apply(params.at(-1)!, hidden);
    const rows = all.shape[0];
    const lead = rows === 1 ? [] : [rows];
    const part = (from: number, size: number, shape: readonly number[]): Tensor =>
      all.slice([0, from], [rows, size]).reshape([...lead, ...shape]);
    const u = part(block, block, [width, dimension]);
    const gates = part(2 * block, block, [width, dimension]).sigmoid();
    return {
      w: part(0, block, [dimension, width]),
      u: u.mul(gates).mul(1 / width),
      b: part(3 * block, width, [width]),
    };
  };
  const activate = ({ w, b }: Units, z: Tensor): Tensor => rowsTimes(z, w).add(b).tanh();

  return {
    dimension,
    init: (rng) => layers.map((each) => each.init(rng)),
    apply(params, t, z, context) {
      requireNoContext(context);
      const units = unitsAt(params, t);
      return rowsTimes(activate(units, z), units.u);
    },
    linearise(params, t, z, context): Linearised {
      requireNoContext(context);
      const units = unitsAt(params, t);
      const { w, u } = units;
      const h = activate(units, z);
      const squares = h.square(); // the slope of tanh is 1 − tanh²
      const swap = w.rank === 2 ? [1, 0] : [0, 2, 1];
      const along = w.transpose(swap).mul(u).sum(-1, true); // wₙᵀ uₙ: [M, 1]
      // ∂f/∂z = Σₙ slopeₙ uₙ wₙᵀ, so its squared norm is Σₙₘ slopeₙ slopeₘ (uₙᵀuₘ)(wₙᵀwₘ).
      const gram = u.matMul(u.transpose(swap)).mul(w.transpose(swap).matMul(w));
      const slopes = squares.neg().add(1);
      return {
        velocity: rowsTimes(h, u),
        divergence: along.sum(-2).sub(rowsTimes(squares, along)).squeeze(-1),
        squaredJacobian: rowsTimes(slopes, gram).mul(slopes).sum(-1),
      };
    },
  };
}

/** Rows [batch, n] times one matrix [n, m], or times a matrix [batch, n, m] of each row. */
function rowsTimes(rows: Tensor, matrix: Tensor): Tensor {
  if (matrix.rank === 2) return rows.matMul(matrix);
  return rows.expandDims(-1).mul(matrix).sum(1);
}

function requireNoContext(context: Tensor | undefined): void {
  if (context === undefined) return;
  throw new ArgumentError({
    what: 'planarField: its hypernetwork takes no context',
    remedy: 'Use layerStack({ context }) for conditional flows',
  });
}
