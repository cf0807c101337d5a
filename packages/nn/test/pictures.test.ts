/** Layers for pictures against torch's own values and gradients (bench/peers/reference_pictures.py), and by their properties. */
import { readFileSync } from 'node:fs';
import { grad, jvp } from '@neuralode/autodiff';
import { reference } from '@neuralode/backend-reference';
import { conv2d, globalMean, groupNorm, maxPool, meanPool, stepDecay } from '@neuralode/nn';
import {
  ArgumentError,
  random,
  setBackend,
  ShapeError,
  type Tensor,
  tensor,
  zeros,
} from '@neuralode/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

await setBackend(reference());

type Rows = number[];
interface Convolution {
  readonly channels: number;
  readonly options: { kernel: number; stride: number; padding: number };
  readonly x: Rows[][][];
  readonly weight: Rows[][][];
  readonly bias: Rows;
  readonly y: Rows[][][];
  readonly gradients: { x: Rows[][][]; weight: Rows[][][]; bias: Rows };
}
interface Normalisation {
  readonly groups: number;
  readonly x: Rows[][][];
  readonly scale: Rows;
  readonly shift: Rows;
  readonly y: Rows[][][];
  readonly gradients: { x: Rows[][][]; scale: Rows; shift: Rows };
}
const torch: {
  convolutions: Convolution[];
  groupNorms: Normalisation[];
  poolings: {
    options: { window: number; stride: number };
    x: Rows[][][];
    max: Rows[][][];
    mean: Rows[][][];
  }[];
  steppedRate: { start: number; factor: number; at: number[]; rates: number[] };
} = JSON.parse(readFileSync(new URL('./reference/pictures.json', import.meta.url), 'utf8'));

function expectClose(actual: Tensor, expected: unknown): void {
  const wanted = tensor(expected as number[]);
  expect(actual.shape).toEqual(wanted.shape);
  expect(actual.sub(wanted).abs().max().itemSync()).toBeLessThan(1e-11);
}

describe('conv2d', () => {
  it.each(torch.convolutions)(
    'is torch’s, derivatives too: $channels channels, $options',
    async (each) => {
      const layer = conv2d(each.channels, 4, each.options);
      const params = { weight: tensor(each.weight), bias: tensor(each.bias) };
      const x = tensor(each.x);
      expectClose(layer.apply(params, x), each.y);
      const gradients = await grad((p: { params: typeof params; x: Tensor }) =>
        layer.apply(p.params, p.x).sin().sum(),
      )({ params, x });
      expectClose(gradients.x, each.gradients.x);
      expectClose(gradients.params.weight, each.gradients.weight);
      expectClose(gradients.params.bias, each.gradients.bias);
    },
  );

  it('is linear in the pictures: its derivative along a direction is itself', async () => {
    const layer = conv2d(2, 3, { kernel: 3, stride: 2, padding: 1, bias: false });
    const rng = random(1);
    const params = layer.init(rng);
    const [x, direction] = [rng.normal([2, 5, 6, 2]), rng.normal([2, 5, 6, 2])];
    const { tangent } = await jvp((v: Tensor) => layer.apply(params, v), [x], [direction]);
    expectClose(tangent, layer.apply(params, direction).arraySync());
  });

  it('draws weights and biases in ±1/√(kernel² inputs), as torch does', () => {
    const params = conv2d(7, 40, { kernel: 3 }).init(random(0));
    const range = 1 / Math.sqrt(63);
    for (const leaf of [params.weight, params.bias!]) {
      const largest = leaf.abs().max().itemSync();
      expect(largest).toBeLessThanOrEqual(range);
      expect(largest).toBeGreaterThan(0.8 * range);
    }
    expect(params.weight.square().mean().itemSync() / (range ** 2 / 3)).toBeCloseTo(1, 1);
  });

  it('says what does not fit', () => {
    const layer = conv2d(3, 4, { kernel: 5 });
    const params = layer.init(random(0));
    expect(() => layer.apply(params, zeros([2, 8, 8, 1]))).toThrow(
      /got \[2, 8, 8, 1\]; expected \[batch, height, width, 3\]/,
    );
    expect(() => layer.apply(params, zeros([8, 8, 3]))).toThrow(ShapeError);
    expect(() => layer.apply(params, zeros([1, 4, 8, 3]))).toThrow(/does not fit/);
    expect(() => conv2d(3, 4, { stride: 0 })).toThrow(ArgumentError);
    expect(() => conv2d(3, 4, { padding: -1 })).toThrow(/padding; got -1/);
  });
});

describe('groupNorm', () => {
  it.each(torch.groupNorms)('is torch’s, derivatives too: $groups groups', async (each) => {
    const layer = groupNorm(each.scale.length, { groups: each.groups });
    const params = { scale: tensor(each.scale), shift: tensor(each.shift) };
    const x = tensor(each.x);
    expectClose(layer.apply(params, x), each.y);
    const gradients = await grad((p: { params: typeof params; x: Tensor }) =>
      layer.apply(p.params, p.x).sin().sum(),
    )({ params, x });
    expectClose(gradients.x, each.gradients.x);
    expectClose(gradients.params.scale, each.gradients.scale);
    expectClose(gradients.params.shift, each.gradients.shift);
  });

  it('gives every group of every picture mean 0 and variance 1, and forgets scale and shift of its input', () => {
    // epsilon nothing beside the variance of pictures made ten times as small
    const layer = groupNorm(6, { groups: 2, epsilon: 1e-18 });
    const params = layer.init(random(0));
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1e6 }),
        fc.double({ min: 0.1, max: 10, noNaN: true }),
        fc.double({ min: -5, max: 5, noNaN: true }),
        (seed, factor, offset) => {
          const x = random(seed).normal([2, 3, 4, 6]);
          const y = layer.apply(params, x);
          const groups = y.reshape([2, 12, 2, 3]);
          expect(groups.mean([1, 3]).abs().max().itemSync()).toBeLessThan(1e-12);
          expect(groups.square().mean([1, 3]).sub(1).abs().max().itemSync()).toBeLessThan(1e-10);
          expectClose(layer.apply(params, x.mul(factor).add(offset)), y.arraySync());
        },
      ),
      { numRuns: 20 },
    );
  });

  it('takes at most 32 groups unless told, and groups of one size', () => {
    expect(() => groupNorm(48)).toThrow(/got 32 groups of 48 channels/);
    const one = groupNorm(40, { groups: 20 });
    expect(() => one.apply(one.init(random(0)), zeros([1, 2, 2, 41]))).toThrow(ShapeError);
  });
});

describe('pooling', () => {
  it.each(torch.poolings)('is torch’s: $options', ({ options, x, max, mean }) => {
    expectClose(maxPool(tensor(x), options), max);
    expectClose(meanPool(tensor(x), options), mean);
  });

  it('globalMean is the mean of one window of all pixels', () => {
    const x = random(3).normal([2, 4, 4, 3]);
    expectClose(globalMean(x), meanPool(x, { window: 4 }).reshape([2, 3]).arraySync());
  });
});

describe('stepDecay', () => {
  it('is torch’s MultiStepLR', () => {
    const { rates, ...options } = torch.steppedRate;
    const schedule = stepDecay(options);
    const ours = rates.map((_, step) => schedule(tensor(step)).itemSync());
    expect(ours).toEqual(rates.map((rate) => expect.closeTo(rate, 14)));
    expect(() => stepDecay({ start: 1, at: [0] })).toThrow(ArgumentError);
  });
});
