/** Adam and AdamW: steps scaled by running estimates of the gradient's mean and square. */
import { linearCombination, type Tensor, type Tree } from '@neuralode/tensor';
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

/** Settings of `adam`. */
export interface AdamOptions {
  /** Default 0.001. */
  readonly learningRate?: LearningRate;
  /** How much of the running mean stays at each update. Default 0.9. */
  readonly b1?: number;
  /** How much of the running square stays. Default 0.999. */
  readonly b2?: number;
  /** Added to the root of the square. Default 1e-8. */
  readonly epsilon?: number;
}

/** Settings of `adamW`. */
export interface AdamWOptions extends AdamOptions {
  /** Each update takes learningRate · weightDecay of the parameter away. Default 0.01, torch's. */
  readonly weightDecay?: number;
}

/** State of `adam` and `adamW`. */
export interface AdamState extends StepState {
  readonly mean: Tree;
  /** Of the squared gradient; not centred. */
  readonly square: Tree;
}

/**
 * Kingma and Ba 2014, algorithm 1, with epsilon outside the root as there and in torch:
 *
 *     m ← b1 · m + (1 − b1) · g            v ← b2 · v + (1 − b2) · g²
 *     p ← p − learningRate · m̂ / (√v̂ + ε)   with m̂ = m / (1 − b1ᵗ), v̂ = v / (1 − b2ᵗ)
 */
export function adam(options: AdamOptions = {}): Optimiser<AdamState> {
  return decayingAdam('adam', options, 0);
}

/** Adam with the weight decay outside the scaling: p ← (1 − learningRate · weightDecay) · p first (Loshchilov, Hutter 2017). */
export function adamW(options: AdamWOptions = {}): Optimiser<AdamState> {
  return decayingAdam('adamW', options, options.weightDecay ?? 0.01);
}

function decayingAdam(
  what: string,
  options: AdamOptions,
  weightDecay: number,
): Optimiser<AdamState> {
  const { learningRate = 1e-3, b1 = 0.9, b2 = 0.999, epsilon = 1e-8 } = options;
  requireLearningRate(learningRate, what);
  requireFraction(b1, `${what}: b1`);
  requireFraction(b2, `${what}: b2`);
  return {
    init: (params) => ({ step: firstStep(), mean: zeroMoment(params), square: zeroMoment(params) }),
    update(grads, { step, mean, square }, params) {
      const made = step.cast(scalarDType(params));
      const rate = learningRateAt(learningRate, made);
      const count = made.add(1);
      const scale = rate.div(seen(b1, count));
      const seenSquare = seen(b2, count);
      const after = updateLeaves(what, grads, params, { mean, square }, (leaf) => {
        const { grad, param } = leaf;
        const m = linearCombination([b1, 1 - b1], [leaf.moments.mean, grad]);
        const v = linearCombination([b2, 1 - b2], [leaf.moments.square, grad.square()]);
        const root = v.div(seenSquare.cast(param.dtype)).sqrt().add(epsilon);
        const move = m.div(root).mul(scale.cast(param.dtype));
        const kept =
          weightDecay === 0 ? param : param.mul(rate.cast(param.dtype).mul(-weightDecay).add(1));
        return { param: kept.sub(move), moments: { mean: m, square: v } };
      });
      return { params: after.params, state: { step: step.add(1), ...after.moments } };
    },
  };
}

/** 1 − bᵗ: how much of a running average comes from gradients and not from its zero start. */
function seen(b: number, count: Tensor): Tensor {
  // By expm1, since 1 − 0.999ᵗ in float32 loses three digits in the first steps.
  return b === 0 ? count.mul(0).add(1) : count.mul(Math.log(b)).expm1().neg();
}
