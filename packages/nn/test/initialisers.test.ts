/** Initialisers against the formulas of their sources: limits, variances, orthogonality. */
import { reference } from '@neuralode/backend-reference';
import {
  constant,
  glorotNormal,
  glorotUniform,
  heNormal,
  type Initialiser,
  lecunNormal,
  normal,
  orthogonal,
  uniform,
} from '@neuralode/nn';
import { random, setBackend, ShapeError } from '@neuralode/tensor';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';

beforeAll(() => setBackend(reference()));

const draw = (initialiser: Initialiser, shape: readonly number[], seed = 1): number[] => [
  ...initialiser(random(seed), shape).dataSync(),
];
const varianceOf = (values: number[]): number => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
};

describe('scaled initialisers', () => {
  const cases = [
    { name: 'glorotUniform', initialiser: glorotUniform, variance: 2 / (200 + 100) },
    { name: 'glorotNormal', initialiser: glorotNormal, variance: 2 / (200 + 100) },
    { name: 'heNormal', initialiser: heNormal, variance: 2 / 200 },
    { name: 'lecunNormal', initialiser: lecunNormal, variance: 1 / 200 },
    { name: 'uniform', initialiser: uniform(-3, 3), variance: 6 ** 2 / 12 },
    { name: 'normal', initialiser: normal(5, 0.1), variance: 0.01 },
  ];
  it.each(cases)('$name has the variance of its formula', ({ initialiser, variance }) => {
    // the relative standard error of a variance over 20,000 draws is 1 %; five of them
    expect(varianceOf(draw(initialiser, [200, 100])) / variance).toBeCloseTo(1, 1);
    expect(Math.abs(varianceOf(draw(initialiser, [200, 100])) / variance - 1)).toBeLessThan(0.05);
  });

  it('glorotUniform stays within √(6 / (inputs + outputs)) and comes near it', () => {
    const limit = Math.sqrt(6 / 30);
    const largest = Math.max(...draw(glorotUniform, [10, 20]).map(Math.abs));
    expect(largest).toBeLessThanOrEqual(limit);
    expect(largest).toBeGreaterThan(0.95 * limit);
  });

  it("counts a convolution's window into both fans", () => {
    const limit = Math.sqrt(6 / (9 * 4 + 9 * 8));
    const largest = Math.max(...draw(glorotUniform, [3, 3, 4, 8]).map(Math.abs));
    expect(largest).toBeLessThanOrEqual(limit);
    expect(largest).toBeGreaterThan(0.95 * limit);
  });

  it.each([glorotUniform, glorotNormal, heNormal, lecunNormal])(
    'refuses a vector',
    (initialiser) => {
      expect(() => initialiser(random(0), [3])).toThrow(ShapeError);
      expect(() => initialiser(random(0), [3])).toThrow(/no fan-in; got \[3\].*constant/);
    },
  );

  it('gives the same numbers for the same seed, others for another', () => {
    expect(draw(glorotNormal, [3, 4], 7)).toEqual(draw(glorotNormal, [3, 4], 7));
    expect(draw(glorotNormal, [3, 4], 7)).not.toEqual(draw(glorotNormal, [3, 4], 8));
  });

  it.each([glorotUniform, constant(2), orthogonal()])(
    'makes the dtype asked for',
    (initialiser) => {
      expect(initialiser(random(0), [2, 2], { dtype: 'float32' }).dtype).toBe('float32');
      expect(initialiser(random(0), [2, 2]).dtype).toBe('float64');
    },
  );
});

describe('orthogonal', () => {
  it('has orthonormal rows or columns, whichever are fewer, times the gain', () => {
    const extents = fc.integer({ min: 1, max: 7 });
    fc.assert(
      fc.property(extents, extents, fc.integer(), (rows, columns, seed) => {
        const matrix = orthogonal(2)(random(seed), [rows, columns]);
        const gram =
          rows < columns ? matrix.matMul(matrix.transpose()) : matrix.transpose().matMul(matrix);
        const size = Math.min(rows, columns);
        [...gram.dataSync()].forEach((value, k) => {
          expect(value).toBeCloseTo(k % (size + 1) === 0 ? 4 : 0, 12);
        });
      }),
      { numRuns: 50 },
    );
  });

  it('is orthonormal to the last digits where the Gaussian matrix is nearly singular', () => {
    const size = 50;
    for (let seed = 0; seed < 10; seed++) {
      const matrix = orthogonal()(random(seed), [size, size]);
      const gram = matrix.matMul(matrix.transpose()).dataSync();
      const errors = gram.map((value, k) => Math.abs(value - (k % (size + 1) === 0 ? 1 : 0)));
      expect(Math.max(...errors)).toBeLessThan(3e-15);
    }
  });

  it('makes matrices only', () => {
    expect(() => orthogonal()(random(0), [2, 2, 2])).toThrow(ShapeError);
  });
});
