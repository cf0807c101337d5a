/**
 * A model in training, one update at a time, so that two can take turns. The learning rate is an input of the recorded
 * step: Adam is run at rate 1, which gives the direction, and the update goes `rate` along it.
 */
import { jit, valueAndGrad } from '@neuralode/autodiff';
import { type AdamState, adam, clipByGlobalNorm } from '@neuralode/nn';
import { disposeTree, flatten, type Tensor, tensor } from '@neuralode/tensor';

const longestGradient = 10;

export const optimiser = clipByGlobalNorm(longestGradient, adam({ learningRate: 1 }));

/** What of a model changes from update to update. */
export interface TraineeState<P> {
  readonly params: P;
  readonly optimiser: AdamState;
  readonly updates: number;
}

/** State before the first update; the parameters become its own. */
export function freshState<P>(params: P): TraineeState<P> {
  return { params, optimiser: optimiser.init(params), updates: 0 };
}

export class Trainee<P, B> {
  state: TraineeState<P>;
  readonly #step;

  constructor(loss: (params: P, batch: B) => Tensor, state: TraineeState<P>) {
    this.state = state;
    const differentiated = valueAndGrad(loss);
    this.#step = jit((params: P, before: AdamState, batch: B, rate: Tensor) => {
      const { value, grads } = differentiated(params, batch);
      const after = optimiser.update(grads, before, params);
      const moved = flatten(after.params).tensors;
      const { tensors, rebuild } = flatten(params);
      const next = tensors.map((leaf, i) => leaf.add(moved[i]!.sub(leaf).mul(rate)));
      return { value, params: rebuild(next), optimiser: after.state };
    });
  }

  /**
   * One update on a batch, which is freed; gives the loss before it. Where that is not finite, the state stays as it was.
   */
  async update(batch: B, rate: number): Promise<number> {
    const { params, optimiser: before, updates } = this.state;
    const rateTensor = tensor(rate);
    try {
      const { value, ...after } = await this.#step(params, before, batch, rateTensor);
      const loss = await value.item();
      value.dispose();
      if (Number.isFinite(loss)) this.state = { ...after, updates: updates + 1 };
      disposeTree(Number.isFinite(loss) ? [params, before] : after);
      return loss;
    } finally {
      disposeTree([batch, rateTensor]);
    }
  }
}
