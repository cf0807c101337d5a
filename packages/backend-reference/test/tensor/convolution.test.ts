/** Convolution as a user calls it: against its definition, written out, over windows that move in every way. */
import {
  ArgumentError,
  type Conv2dOptions,
  ones,
  random,
  setBackend,
  ShapeError,
  type Tensor,
  zeros,
} from '@neuralode/tensor';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { reference } from '../../src/index.ts';

beforeAll(async () => {
  await setBackend(reference());
});

type Pair = readonly [number, number];
type Pictures = number[][][][];

/** One convolution: extents as a user gives them, and zeros on each of the four sides. */
interface Problem {
  readonly batch: number;
  readonly extent: Pair;
  readonly window: Pair;
  readonly channels: Pair;
  readonly strides: Pair;
  readonly dilations: Pair;
  readonly padding: readonly [Pair, Pair];
}

const pairOf = (least: number, most: number): fc.Arbitrary<Pair> =>
  fc.tuple(fc.integer({ min: least, max: most }), fc.integer({ min: least, max: most }));

const problems: fc.Arbitrary<Problem> = fc
  .record({
    batch: fc.integer({ min: 1, max: 2 }),
    extent: pairOf(1, 7),
    window: pairOf(1, 4),
    channels: pairOf(1, 3),
    strides: pairOf(1, 3),
    dilations: pairOf(1, 3),
    padding: fc.tuple(pairOf(0, 3), pairOf(0, 3)),
  })
  .filter(({ extent, window, dilations, padding }) =>
    [0, 1].every(
      (axis) =>
        extent[axis] + padding[axis][0] + padding[axis][1] >=
        (window[axis] - 1) * dilations[axis] + 1,
    ),
  );

function drawn({ batch, extent, window, channels }: Problem): { x: Tensor; w: Tensor } {
  const draw = random(1);
  return {
    x: draw.normal([batch, ...extent, channels[0]]),
    w: draw.normal([...window, ...channels]),
  };
}

/** Σ over the window of what lies under each of its elements, zero outside: the definition, place by place. */
function byDefinition(x: Pictures, w: Pictures, problem: Problem): Pictures {
  const { extent, window, channels, strides, dilations, padding } = problem;
  const places = [0, 1].map((axis) => {
    const room = extent[axis] + padding[axis][0] + padding[axis][1];
    return Math.floor((room - (window[axis] - 1) * dilations[axis] - 1) / strides[axis]) + 1;
  });
  const count = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
  return x.map((picture) =>
    count(places[0]).map((row) =>
      count(places[1]).map((column) =>
        count(channels[1]).map((k) => {
          let total = 0;
          for (const i of count(window[0])) {
            for (const j of count(window[1])) {
              const at = row * strides[0] + i * dilations[0] - padding[0][0];
              const across = column * strides[1] + j * dilations[1] - padding[1][0];
              for (const c of count(channels[0])) {
                total += (picture[at]?.[across]?.[c] ?? 0) * w[i][j][c][k];
              }
            }
          }
          return total;
        }),
      ),
    ),
  );
}

describe('conv2d', () => {
  it('is its definition', () => {
    fc.assert(
      fc.property(problems, (problem) => {
        const { x, w } = drawn(problem);
        const expected = byDefinition(
          x.arraySync() as Pictures,
          w.arraySync() as Pictures,
          problem,
        );
        expect(x.conv2d(w, problem).arraySync()).toEqual(
          expected.map((picture) =>
            picture.map((row) => row.map((place) => place.map((v) => expect.closeTo(v, 12)))),
          ),
        );
      }),
      { numRuns: 150 },
    );
  });

  it('and conv2dTranspose are adjoint', () => {
    fc.assert(
      fc.property(problems, (problem) => {
        const { x, w } = drawn(problem);
        const y = x.conv2d(w, problem);
        const dy = random(2).normal(y.shape);
        const back = dy.conv2dTranspose(w, { ...problem, size: problem.extent });
        expect(back.shape).toEqual(x.shape);
        // Both are Σ dy x w, added in some order: each errs by γₙ Σ |dy x w|, γₙ = n u / (1 - n u), where n is how often a
        // product is rounded at most (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., page 63).
        const n = x.size + w.size + y.size + 2;
        const gamma = (n * 2 ** -53) / (1 - n * 2 ** -53);
        const sizes = dy.abs().mul(x.abs().conv2d(w.abs(), problem)).sum().itemSync();
        const difference = dy.mul(y).sum().sub(back.mul(x).sum()).itemSync();
        expect(Math.abs(difference)).toBeLessThanOrEqual((2 * gamma * sizes) / (1 - gamma));
      }),
      { numRuns: 150 },
    );
  });

  it.each<[Conv2dOptions, string, number[]]>([
    [{}, 'none', [1, 5, 6, 2]],
    [{ padding: 'valid' }, 'none', [1, 5, 6, 2]],
    [{ padding: 1 }, 'one on every side', [1, 7, 8, 2]],
    [{ padding: 'same' }, 'the same extents', [1, 7, 8, 2]],
    [{ padding: 'same', strides: 2 }, 'half of them, upwards', [1, 4, 4, 2]],
    [{ padding: 'same', dilations: 2 }, 'the same extents, dilated', [1, 7, 8, 2]],
    [
      {
        padding: [
          [1, 0],
          [2, 2],
        ],
      },
      'pairs',
      [1, 6, 10, 2],
    ],
  ])('pads by %o: %s', (options, _, shape) => {
    expect(ones([1, 7, 8, 3]).conv2d(ones([3, 3, 3, 2]), options).shape).toEqual(shape);
  });

  it("puts the odd zero of padding 'same' after the picture, as TensorFlow does", () => {
    const sums = ones([1, 4, 1, 1]).conv2d(ones([2, 1, 1, 1]), { padding: 'same' });
    expect(sums.reshape([4]).arraySync()).toEqual([2, 2, 2, 1]);
  });
});

describe('conv2dTranspose', () => {
  it.each([
    [{}, [1, 6, 7, 3]],
    [{ strides: 2 }, [1, 9, 11, 3]],
    [{ strides: 2, padding: 1 }, [1, 7, 9, 3]],
    [{ strides: 2, padding: 'same' }, [1, 8, 10, 3]],
    [{ strides: 2, padding: 1, size: [8, 10] }, [1, 8, 10, 3]],
  ] as const)('enlarges by %o', (options, shape) => {
    expect(ones([1, 4, 5, 2]).conv2dTranspose(ones([3, 3, 3, 2]), options).shape).toEqual(shape);
  });
});

describe('a convolution refuses', () => {
  const x = (): Tensor => zeros([1, 5, 5, 3]);
  const w = (): Tensor => zeros([3, 3, 3, 2]);
  it.each<[string, () => Tensor, new (...args: never[]) => Error, RegExp]>([
    ['one picture', () => zeros([5, 5, 3]).conv2d(w()), ShapeError, /rank 4.*expandDims/s],
    ['other channels', () => x().conv2d(zeros([3, 3, 4, 2])), ShapeError, /differ in channels/],
    ['a large window', () => x().conv2d(zeros([6, 6, 3, 2])), ShapeError, /does not fit/],
    ['no stride', () => x().conv2d(w(), { strides: 0 }), ArgumentError, /strides/],
    ['half a dilation', () => x().conv2d(w(), { dilations: 1.5 }), ArgumentError, /dilations/],
    ['less than no padding', () => x().conv2d(w(), { padding: -1 }), ArgumentError, /padding/],
    [
      'a word it does not know',
      () => x().conv2d(w(), { padding: 'full' as 'same' }),
      ArgumentError,
      /'same', 'valid'/,
    ],
    ['two dtypes', () => x().conv2d(w().cast('float32')), Error, /float64.*float32/s],
    [
      'a size that its window does not give',
      () => zeros([1, 4, 4, 2]).conv2dTranspose(w(), { strides: 2, size: [20, 20] }),
      ShapeError,
      /one weight for each place/,
    ],
  ])('%s', (_, run, kind, message) => {
    expect(run).toThrow(kind);
    expect(run).toThrow(message);
  });
});
