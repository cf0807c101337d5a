/** RMSProp: steps scaled by a running root mean square of the gradient. */
import { linearCombination, type Tree } from '@neuralode/tensor';
import {
  firstStep,
  type Optimiser,
  requireFraction,
  scalarDType,
  type StepState,
  updateLeaves,
  zeroMoment,
} from './optimiser.ts';
import { type LearningRate, learningRateAt, requireLearningRate } from './schedules.ts';

/** Settings of `rmsProp`. */
export interface RmsPropOptions {
  /** Default 0.01. */
  readonly learningRate?: LearningRate;
  /** How much of the running square stays at each update; torch calls it alpha. Default 0.99. */
  readonly decay?: number;
  /** Added to the root of the square. Default 1e-8. */
  readonly epsilon?: number;
  /** How much of the last step goes on. Default 0. */
  readonly momentum?: number;
}

/** State of `rmsProp`. */
export interface RmsPropState extends StepState {
  readonly square: Tree;
  /** Present with momentum. */
  readonly velocity?: Tree;
}

/**
 * Hinton's lecture 6e (2012), in torch's form (epsilon outside the root, no bias correction, not centred):
 *
 *     v ← decay · v + (1 − decay) · g²
 *     u ← momentum · u + g / (√v + ε)
 *     p ← p − learningRate · u
 */
export function rmsProp(options: RmsPropOptions = {}): Optimiser<RmsPropState> {
  const { learningRate = 0.01, decay = 0.99, epsilon = 1e-8, momentum = 0 } = options;
  requireLearningRate(learningRate, 'rmsProp');
  requireFraction(decay, 'rmsProp: decay');
  requireFraction(momentum, 'rmsProp: momentum');
  return {
    init(params) {
      const state = { step: firstStep(), square: zeroMoment(params) };
      return momentum === 0 ? state : { ...state, velocity: zeroMoment(params) };
    },
    update(grads, { step, ...before }, params) {
      const rate = learningRateAt(learningRate, step.cast(scalarDType(params)));
      const after = updateLeaves('rmsProp', grads, params, before, (leaf) => {
        const { grad, param, moments } = leaf;
        const square = linearCombination([decay, 1 - decay], [moments.square, grad.square()]);
        const scaled = grad.div(square.sqrt().add(epsilon));
        const velocity =
          moments.velocity && linearCombination([momentum, 1], [moments.velocity, scaled]);
        return {
          param: param.sub((velocity ?? scaled).mul(rate.cast(param.dtype))),
          moments: velocity === undefined ? { square } : { square, velocity },
        };
      });
      return { params: after.params, state: { step: step.add(1), ...after.moments } };
    },
  };
}
