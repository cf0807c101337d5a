/** Training steps of a picture network by neuralode, on the backend that is set. */
import { jit, valueAndGrad } from '@neuralode/autodiff';
import { type Optimiser, type SgdState, sgd } from '@neuralode/nn';
import { type Classifier, crossEntropy } from '@neuralode/odenet';
import { disposeTree, random, type Tensor, tensor } from '@neuralode/tensor';
import { normOf } from '../training/gradient-norm.ts';
import { type OdenetProblem, paramsOf } from './problem.ts';

/** What one training step leaves, beside the new parameters. */
export interface StepResult {
  readonly milliseconds: number;
  readonly loss: number;
  readonly gradientNorm: number;
}

/** Gradient and update as one jitted function. */
function stepOf<P>(network: Classifier<P>, optimiser: Optimiser<SgdState>) {
  return jit((params: P, state: SgdState, pictures: Tensor, labels: Tensor) => {
    const loss = (p: P): Tensor => crossEntropy(network.apply(p, pictures), labels);
    const { value, grads } = valueAndGrad(loss)(params as never) as unknown as {
      value: Tensor;
      grads: P;
    };
    return {
      value,
      norm: normOf(grads),
      ...optimiser.update(grads as never, state, params as never),
    };
  });
}

/**
 * `count` training steps of one network with the problem's parameters and batch, each timed as a training loop runs it:
 * gradient, update, reading the loss and the gradient's norm. `before` is told of each step.
 */
export async function trainingSteps<P>(
  network: Classifier<P>,
  problem: OdenetProblem,
  count: number,
  before: (step: number) => void = () => {},
): Promise<StepResult[]> {
  const { learningRate, momentum } = problem;
  const optimiser = sgd({ learningRate, momentum });
  const iterate = stepOf(network, optimiser);
  const pictures = tensor(problem.pictures as number[], { dtype: 'float32' });
  const labels = tensor([...problem.labels], { dtype: 'int32' });
  const like = network.init(random(0));
  let params = paramsOf(like, problem);
  disposeTree(like);
  let state = optimiser.init(params as never);
  const results: StepResult[] = [];
  for (let step = 0; step < count; step++) {
    before(step);
    const start = performance.now();
    const next = await iterate(params, state, pictures, labels);
    const [loss, gradientNorm] = [await next.value.item(), await next.norm.item()];
    disposeTree([params, state, next.value, next.norm]);
    ({ params, state } = next as unknown as { params: P; state: SgdState });
    results.push({ milliseconds: performance.now() - start, loss, gradientNorm });
  }
  disposeTree([params, state, pictures, labels]);
  return results;
}
