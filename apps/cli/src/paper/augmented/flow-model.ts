/** The networks that are compared: an ODE of a small perceptron, with or without further dimensions, and a readout. */
import { direct } from '@neuralode/adjoint';
import { dense, type DenseParams, mlp } from '@neuralode/nn';
import { odeBlock } from '@neuralode/odenet';
import { odeint, type SolveStats } from '@neuralode/solvers';
import { type Random, relu, type Tensor } from '@neuralode/tensor';
import type { FlowProblem } from './problems.ts';

export interface FlowParams {
  readonly block: readonly DenseParams[];
  readonly readout?: DenseParams;
}

export interface FlowModel {
  /** Coordinates of the state. */
  readonly width: number;
  init(rng: Random): FlowParams;
  /** Answers [batch] for points [batch, dimension], inside a recorded function. */
  apply(params: FlowParams, x: Tensor): Tensor;
  /** The states of points [batch, dimension] at the times: [times, batch, width]. */
  paths(params: FlowParams, x: Tensor, times: readonly number[]): Promise<Tensor>;
}

/** As Dupont, Doucet, Teh (2019) have it: two hidden layers of relu. */
const hidden = 32;
const tolerances = { rtol: 1e-3, atol: 1e-3 } as const;

export function flowModel(
  { dimension, readout }: FlowProblem,
  augment: number,
  onSolve: (stats: SolveStats) => void = () => {},
): FlowModel {
  const width = dimension + augment;
  const network = mlp([width, hidden, hidden, width], { activation: relu });
  const linear = dense(width, 1);
  const block = odeBlock(
    { init: network.init, apply: (params, _t, h) => network.apply(params, h) },
    { augment, ...tolerances, gradient: direct(), onSolve },
  );
  return {
    width,
    init: (rng) => ({
      block: block.init(rng),
      ...(readout === 'linear' && { readout: linear.init(rng) }),
    }),
    apply(params, x) {
      const h = block.apply(params.block, x);
      return (params.readout ? linear.apply(params.readout, h) : h).at(0, 1);
    },
    async paths(params, x, times) {
      const start = x.pad([0, 0], [0, augment]);
      const { ys } = await odeint(
        (_t, h, p: FlowParams['block']) => network.apply(p, h),
        start,
        times,
        {
          args: params.block,
          ...tolerances,
        },
      );
      start.dispose();
      return ys;
    },
  };
}
