/** The Gaussian formulas against numeric integration and against the definitions, in float64. */
import { reference } from '@neuralode/backend-reference';
import { setBackend, tensor } from '@neuralode/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { gaussianLogDensity, klFromStandardNormal, reparametrise } from '../src/index.ts';

beforeAll(async () => {
  await setBackend(reference());
});

const density = (x: number, mean: number, sigma: number): number =>
  Math.exp(-(((x - mean) / sigma) ** 2) / 2) / (sigma * Math.sqrt(2 * Math.PI));

/** ∫ q log(q/p) by the trapezium rule, which is exact to rounding for a function that dies out at both ends. */
function integratedKl(mean: number, sigma: number): number {
  const step = sigma / 50;
  let sum = 0;
  for (let x = mean - 12 * sigma; x <= mean + 12 * sigma; x += step) {
    const q = density(x, mean, sigma);
    const logRatio = -(((x - mean) / sigma) ** 2) / 2 - Math.log(sigma) + (x * x) / 2;
    sum += q * logRatio * step;
  }
  return sum;
}

describe('klFromStandardNormal', () => {
  it.each([
    [0, 1],
    [1.3, 0.4],
    [-0.7, 2.5],
    [0.01, 1.001],
  ])('agrees with the integral for mean %f and deviation %f', (mean, sigma) => {
    const q = { mean: tensor([mean]), logVariance: tensor([2 * Math.log(sigma)]) };
    expect(klFromStandardNormal(q).itemSync()).toBeCloseTo(integratedKl(mean, sigma), 10);
  });

  it('is not lost to rounding near the prior', () => {
    const q = { mean: tensor([0]), logVariance: tensor([1e-6]) };
    expect(klFromStandardNormal(q).itemSync()).toBeCloseTo(2.5e-13, 17);
  });
});

describe('gaussianLogDensity', () => {
  it('is the logarithm of the density', () => {
    const x = [0.3, -2, 5];
    const sigma = 0.7;
    const expected = x.map((value) => Math.log(density(value, 1, sigma)));
    const fixed = gaussianLogDensity(tensor(x), tensor([1]), Math.log(sigma)).dataSync();
    const learned = gaussianLogDensity(tensor(x), tensor([1]), tensor(Math.log(sigma))).dataSync();
    expected.forEach((value, i) => {
      expect(fixed[i]).toBeCloseTo(value, 12);
      expect(learned[i]).toBeCloseTo(value, 12);
    });
  });
});

describe('reparametrise', () => {
  it('moves and stretches the noise', () => {
    const q = { mean: tensor([[1, -1]]), logVariance: tensor([[2 * Math.log(3), 0]]) };
    const sample = reparametrise(q, tensor([[0.5, 2]])).arraySync() as number[][];
    expect(sample[0]![0]).toBeCloseTo(2.5, 12);
    expect(sample[0]![1]).toBeCloseTo(1, 12);
  });

  it('refuses noise of another shape', () => {
    const q = { mean: tensor([[1, -1]]), logVariance: tensor([[0, 0]]) };
    expect(() => reparametrise(q, tensor([0.5, 2]))).toThrow(/noise/);
  });
});
