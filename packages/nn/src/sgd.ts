/** Stochastic gradient descent, with Polyak's or Nesterov's momentum. */
import { ArgumentError, linearCombination, type Tree } from '@neuralode/tensor';
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

/** Settings of `sgd`. */
export interface SgdOptions {
  readonly learningRate: LearningRate;
  /** How much of the last step goes on. Default 0. */
  readonly momentum?: number;
  /** Look ahead along the momentum (Sutskever et al. 2013). Default false. */
  readonly nesterov?: boolean;
  /** Adds this times the parameter to its gradient (an L2 penalty). Default 0. */
  readonly weightDecay?: number;
}

/** State of `sgd`. */
export interface SgdState extends StepState {
  /** Present with momentum. */
  readonly velocity?: Tree;
}

/**
 * torch's `SGD` (without dampening): with g the gradient plus weightDecay · p,
 *
 *     v ← momentum · v + g
 *     p ← p − learningRate · v                       (Nesterov: g + momentum · v)
 */
export function sgd(options: SgdOptions): Optimiser<SgdState> {
  const { learningRate, momentum = 0, nesterov = false, weightDecay = 0 } = options;
  requireLearningRate(learningRate, 'sgd');
  requireFraction(momentum, 'sgd: momentum');
  if (nesterov && momentum === 0) {
    throw new ArgumentError({
      what: 'sgd: nesterov looks ahead along the momentum, and there is none',
      remedy: 'Pass { momentum: 0.9, nesterov: true }',
    });
  }
  return {
    init(params) {
      const step = firstStep();
      return momentum === 0 ? { step } : { step, velocity: zeroMoment(params) };
    },
    update(grads, { step, ...moments }, params) {
      const rate = learningRateAt(learningRate, step.cast(scalarDType(params)));
      const after = updateLeaves('sgd', grads, params, moments, (leaf) => {
        const { param } = leaf;
        const grad =
          weightDecay === 0 ? leaf.grad : linearCombination([1, weightDecay], [leaf.grad, param]);
        const velocity =
          leaf.moments.velocity && linearCombination([momentum, 1], [leaf.moments.velocity, grad]);
        const direction =
          nesterov && velocity ? linearCombination([momentum, 1], [velocity, grad]) : velocity;
        return {
          param: param.sub((direction ?? grad).mul(rate.cast(param.dtype))),
          moments: velocity === undefined ? {} : { velocity },
        };
      });
      return { params: after.params, state: { step: step.add(1), ...after.moments } };
    },
  };
}
