/** Blocks of continuous depth, in models of one's own. */
import { backsolve, direct } from '@neuralode/adjoint';
import { grad } from '@neuralode/autodiff';
import { reference } from '@neuralode/backend-reference';
import { adam, dense, mlp, train } from '@neuralode/nn';
import { type BlockField, odeBlock, timeConv2d } from '@neuralode/odenet';
import {
  ArgumentError,
  concat,
  evaluate,
  ones,
  random,
  setBackend,
  type Tensor,
  tensor,
} from '@neuralode/tensor';
import { conv2d } from '@neuralode/nn';
import { describe, expect, it } from 'vitest';

await setBackend(reference());

/** dh/dt = rate · t · h. */
const growth: BlockField<{ rate: Tensor }> = {
  init: () => ({ rate: tensor(0.7) }),
  apply: ({ rate }, t, h) => h.mul(rate).mul(t),
};

/** An autonomous perceptron as a field. */
const perceptron = (width: number): BlockField<ReturnType<ReturnType<typeof mlp>['init']>> => {
  const network = mlp([width, 16, width]);
  return { init: (rng) => network.init(rng), apply: (params, _t, h) => network.apply(params, h) };
};

describe('odeBlock', () => {
  it.each([direct(), backsolve()])('solves and differentiates its ODE: $name', async (gradient) => {
    const block = odeBlock(growth, { rtol: 1e-10, atol: 1e-10, span: [1, 3], gradient });
    const params = block.init(random(0));
    const x = tensor([[1, -2]]);
    const y = await evaluate(() => block.apply(params, x));
    const factor = Math.exp(0.7 * 4);
    expect(y.dataSync()[1]! / (-2 * factor)).toBeCloseTo(1, 8);
    const { rate } = await grad((p: typeof params) => block.apply(p, x).sum())(params);
    expect(rate.itemSync() / (-4 * factor)).toBeCloseTo(1, 7);
  });

  it('stands anywhere in a model, with its own gradient right against differences', async () => {
    const [before, block, after] = [
      dense(3, 4),
      odeBlock(perceptron(5), { augment: 1, rtol: 1e-9, atol: 1e-9 }),
      dense(5, 2),
    ];
    const rng = random(2);
    const params = [before.init(rng), block.init(rng), after.init(rng)] as const;
    const x = rng.normal([6, 3]);
    const loss = (scale: Tensor): Tensor => {
      const h = block.apply(params[1], before.apply(params[0], x.mul(scale)));
      return after.apply(params[2], h).square().mean();
    };
    const derivative = (await grad(loss)(tensor(1))).itemSync();
    const at = async (s: number) => (await evaluate(() => loss(tensor(s)))).itemSync();
    const h = 1e-4;
    expect(derivative / (((await at(1 + h)) - (await at(1 - h))) / (2 * h))).toBeCloseTo(1, 5);
  });

  it('learns g(x) = −x only where it is augmented', async () => {
    // The paths of a plain one may not cross on the line, so the order of x and −x stays (Dupont, Doucet, Teh 2019).
    const x = tensor(Array.from({ length: 21 }, (_, i) => [i / 10 - 1]));
    const lossOf = async (augment: number): Promise<number> => {
      const block = odeBlock(perceptron(1 + augment), { augment, gradient: direct() });
      const model = (p: ReturnType<typeof block.init>) => block.apply(p, x).slice([0, 0], [21, 1]);
      const { loss } = await train({
        params: block.init(random(1)),
        optimiser: adam({ learningRate: 0.02 }),
        batch: {},
        loss: (p) => model(p).add(x).square().mean(),
        iterations: 150,
      });
      return loss;
    };
    // The best that keeps the order is the constant 0, whose loss is the variance of x.
    expect(await lossOf(0)).toBeGreaterThan(0.3);
    expect(await lossOf(1)).toBeLessThan(0.01);
  });

  it('refuses an augmentation that is no number of channels', () => {
    expect(() => odeBlock(growth, { augment: 0.5 })).toThrow(ArgumentError);
  });
});

describe('timeConv2d', () => {
  it('is a convolution of the pictures with a channel of the time in front', () => {
    const layer = timeConv2d(2, 3);
    const rng = random(6);
    const params = layer.init(rng);
    const x = rng.normal([2, 4, 5, 2]);
    const joined = concat([ones([2, 4, 5, 1]).mul(0.3), x], 3);
    const wanted = conv2d(3, 3, { padding: 1 }).apply(params, joined);
    const difference = layer.apply(params, tensor(0.3), x).sub(wanted);
    expect(difference.abs().max().itemSync()).toBeLessThan(1e-14);
  });
});
