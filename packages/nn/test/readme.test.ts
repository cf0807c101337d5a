/** The README's example, on the reference backend. */
import { reference } from '@neuralode/backend-reference';
import { adam, mlp, train } from '@neuralode/nn';
import { random, setBackend, tensor } from '@neuralode/tensor';
import { expect, it } from 'vitest';

it('learns what the README says', async () => {
  await setBackend(reference());
  const model = mlp([1, 16, 1]);
  const { params } = await train({
    params: model.init(random(0)),
    optimiser: adam({ learningRate: 0.01 }),
    batch: { x: tensor([[0], [0.5], [1]]), y: tensor([[0], [1], [0]]) },
    loss: (p, { x, y }) => model.apply(p, x).sub(y).square().mean(),
    iterations: 500,
  });
  const [[top]] = (await model.apply(params, tensor([[0.5]])).array()) as number[][];
  expect(top).toBeCloseTo(1, 1);
});
