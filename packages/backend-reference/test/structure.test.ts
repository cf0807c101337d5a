/** Products, reductions and moves against their definitions, written out as naive loops, and their algebra. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Block, block, numbers, run } from './block.ts';

const inf = Number.POSITIVE_INFINITY;
const nan = Number.NaN;
const value = fc.double({ noNaN: true, noDefaultInfinity: true, min: -10, max: 10 });
const extent = fc.integer({ min: 1, max: 5 });

function matrix(rows: number, columns: number): fc.Arbitrary<Block> {
  const size = rows * columns;
  return fc
    .array(value, { minLength: size, maxLength: size })
    .map((values) => block(values, [rows, columns]));
}

function expectClose(got: ArrayLike<number>, want: ArrayLike<number>): void {
  expect(got.length).toBe(want.length);
  for (let i = 0; i < got.length; i++) expect(got[i]).toBeCloseTo(want[i], 9);
}

/** Σ aᵢbᵢ. */
function dot(a: Block, b: Block): number {
  return [...a.values].reduce((sum, x, i) => sum + x * b.values[i], 0);
}

describe('matMul', () => {
  it('multiplies by hand', () => {
    const product = run('matMul', [
      block([1, 2, 3, 4, 5, 6], [2, 3]),
      block([1, 0, 2, 1, 0, 3], [3, 2]),
    ]);
    expect(product.shape).toEqual([2, 2]);
    expect([...product.values]).toEqual([5, 11, 14, 23]);
  });

  it('is Σ aᵢₚ bₚⱼ, batch by batch', () => {
    const a = block(
      Array.from({ length: 24 }, (_, i) => Math.sin(i)),
      [2, 2, 2, 3],
    );
    const b = block(
      Array.from({ length: 12 }, (_, i) => Math.cos(i)),
      [2, 3, 2],
    );
    const { values, shape } = run('matMul', [a, b]);
    expect(shape).toEqual([2, 2, 2, 2]);
    const want: number[] = [];
    for (let o = 0; o < 2; o++)
      for (let c = 0; c < 2; c++)
        for (let i = 0; i < 2; i++)
          for (let j = 0; j < 2; j++) {
            let sum = 0;
            for (let p = 0; p < 3; p++) {
              sum += a.values[((o * 2 + c) * 2 + i) * 3 + p] * b.values[(c * 3 + p) * 2 + j];
            }
            want.push(sum);
          }
    expectClose(values, want);
  });

  it('gives each of a batch its own matrix, on either side', () => {
    const one = block([1, 2], [1, 2]);
    const two = block([1, 2, 30, 40], [2, 2, 1]);
    expect(numbers('matMul', [one, two])).toEqual([5, 110]);
    const rows = block([1, 2, 30, 40], [2, 1, 2]);
    expect(numbers('matMul', [rows, block([1, 2], [2, 1])])).toEqual([5, 110]);
  });

  it('is associative, has an identity, and transposes in reverse', () => {
    const four = fc.tuple(extent, extent, extent, extent);
    const triple = four.chain(([a, b, c, d]) => fc.tuple(matrix(a, b), matrix(b, c), matrix(c, d)));
    const turned = (x: Block) => run('transpose', [x], { perm: [1, 0] });
    fc.assert(
      fc.property(triple, ([a, b, c]) => {
        const left = run('matMul', [run('matMul', [a, b]), c]);
        expectClose(left.values, run('matMul', [a, run('matMul', [b, c])]).values);
        const n = a.shape[1];
        const eye = block(
          Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0)),
          [n, n],
        );
        expectClose(run('matMul', [a, eye]).values, a.values);
        const reversed = run('matMul', [turned(b), turned(a)]);
        expectClose(turned(run('matMul', [a, b])).values, reversed.values);
      }),
    );
  });

  it('of no inner extent is zeros, and loses no NaN to a zero', () => {
    expect(numbers('matMul', [block([], [2, 0]), block([], [0, 2])])).toEqual([0, 0, 0, 0]);
    expect(numbers('matMul', [block([0, 1], [1, 2]), block([nan, 1], [2, 1])])).toEqual([nan]);
  });
});

describe('reductions', () => {
  const x = block([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], [2, 3, 2]);

  it('sums by hand', () => {
    expect(numbers('sum', [x], { axes: [] })).toEqual([...x.values]);
    expect(numbers('sum', [x], { axes: [0] })).toEqual([8, 10, 12, 14, 16, 18]);
    expect(numbers('sum', [x], { axes: [1] })).toEqual([9, 12, 27, 30]);
    expect(numbers('sum', [x], { axes: [2] })).toEqual([3, 7, 11, 15, 19, 23]);
    expect(numbers('sum', [x], { axes: [0, 2] })).toEqual([18, 26, 34]);
    expect(numbers('sum', [x], { axes: [0, 1, 2] })).toEqual([78]);
    expect(numbers('sum', [block([], [0, 2])], { axes: [0] })).toEqual([0, 0]);
    expect(numbers('sum', [block([], [0])], { axes: [0] })).toEqual([0]);
  });

  it('sums a million float32 to half an ulp, and float64 to a few', () => {
    const tenth = new Float32Array(1_000_000).fill(0.1);
    const want = Math.fround(1_000_000 * Math.fround(0.1));
    expect(numbers('sum', [block(tenth, [1_000_000], 'float32')], { axes: [0] })).toEqual([want]);
    const columns = numbers('sum', [block(tenth, [500_000, 2], 'float32')], { axes: [0] });
    expect(columns).toEqual([Math.fround(want / 2), Math.fround(want / 2)]);
    // a plain loop is off by 1.3e-11
    const [sum] = numbers('sum', [block(new Float64Array(1_000_000).fill(0.1))], { axes: [0] });
    expect(Math.abs(sum / 100_000 - 1)).toBeLessThan(1e-15);
  });

  it('sums int32 modulo 2³², whatever the order of size', () => {
    const list = block(new Int32Array(3).fill(2147483647), [3], 'int32');
    // 3 × (2³¹ - 1) = 2³² + 2³¹ - 3
    expect(numbers('sum', [list], { axes: [0] })).toEqual([2147483645]);
    // (2²³ + 1) × (2³¹ - 1) is beyond what a float64 counts; modulo 2³² it is 2³¹ - 2²³ - 1
    const long = block(new Int32Array(2 ** 23 + 1).fill(2147483647), [2 ** 23 + 1], 'int32');
    expect(numbers('sum', [long], { axes: [0] })).toEqual([2139095039]);
  });

  it('keeps infinities', () => {
    expect(numbers('sum', [block([inf, 1])], { axes: [0] })).toEqual([inf]);
    expect(numbers('sum', [block([inf, -inf])], { axes: [0] })).toEqual([nan]);
  });

  it('takes maxima by hand, NaN where there is one', () => {
    expect(numbers('max', [x], { axes: [0, 2] })).toEqual([8, 10, 12]);
    expect(numbers('max', [block([-3, -1, -2])], { axes: [0] })).toEqual([-1]);
    expect(numbers('max', [block([-inf, -inf])], { axes: [0] })).toEqual([-inf]);
    const withNaN = block([nan, 1, 1, nan, 1, 2], [3, 2]);
    expect(numbers('max', [withNaN], { axes: [1] })).toEqual([nan, nan, 2]);
  });

  it('finds the first largest, and NaN before any number', () => {
    const rows = block([1, 3, 3, 1, nan, inf, -inf, -inf, -1], [3, 3]);
    expect(numbers('argMax', [rows], { axis: 1 })).toEqual([1, 1, 2]);
    expect(numbers('argMax', [x], { axis: 0 })).toEqual([1, 1, 1, 1, 1, 1]);
    expect(run('argMax', [rows], { axis: 1 }).dtype).toBe('int32');
    expect(() => run('argMax', [block([], [2, 0])], { axis: 1 })).toThrow('of no elements');
  });
});

describe('moves', () => {
  const x = block([1, 2, 3, 4, 5, 6], [2, 3]);

  it('moves by hand', () => {
    expect(numbers('transpose', [x], { perm: [1, 0] })).toEqual([1, 4, 2, 5, 3, 6]);
    expect(numbers('flip', [x], { axes: [1] })).toEqual([3, 2, 1, 6, 5, 4]);
    expect(numbers('flip', [x], { axes: [0, 1] })).toEqual([6, 5, 4, 3, 2, 1]);
    expect(numbers('slice', [x], { begin: [0, 1], size: [2, 2] })).toEqual([2, 3, 5, 6]);
    const around = { before: [1, 0], after: [0, 1] };
    expect(numbers('pad', [x], around)).toEqual([0, 0, 0, 0, 1, 2, 3, 0, 4, 5, 6, 0]);
    expect(numbers('concat', [x, block([7, 8], [2, 1])], { axis: 1 })).toEqual([
      1, 2, 3, 7, 4, 5, 6, 8,
    ]);
    expect(numbers('concat', [x, block([7, 8, 9], [1, 3])], { axis: 0 })).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9,
    ]);
    expect(numbers('broadcastTo', [block([1, 2], [2, 1])], { shape: [2, 3] })).toEqual([
      1, 1, 1, 2, 2, 2,
    ]);
    expect(numbers('gather', [x, block([2, 0, 2], [3], 'int32')], { axis: 1 })).toEqual([
      3, 1, 3, 6, 4, 6,
    ]);
    const rows = block([1, 1], [2], 'int32');
    expect(numbers('scatterAdd', [x, rows], { axis: 0, size: 3 })).toEqual([
      0, 0, 0, 5, 7, 9, 0, 0, 0,
    ]);
  });

  it('turns a cube as its indices say', () => {
    const cube = block(
      Array.from({ length: 24 }, (_, i) => i),
      [2, 3, 4],
    );
    const { values, shape } = run('transpose', [cube], { perm: [2, 0, 1] });
    expect(shape).toEqual([4, 2, 3]);
    for (let i = 0; i < 4; i++)
      for (let j = 0; j < 2; j++)
        for (let k = 0; k < 3; k++) expect(values[(i * 2 + j) * 3 + k]).toBe((j * 3 + k) * 4 + i);
  });

  it('scatterAdd rounds a float32 sum once', () => {
    // each of the small terms alone is lost beside 1
    const terms = block([1, 2 ** -24, 2 ** -24], [3], 'float32');
    const zeros = block([0, 0, 0], [3], 'int32');
    expect(numbers('scatterAdd', [terms, zeros], { axis: 0, size: 1 })).toEqual([1 + 2 ** -23]);
  });

  it('refuses an index outside', () => {
    const outside = block([-1], [1], 'int32');
    expect(() => run('gather', [x, outside], { axis: 0 })).toThrow('expected 0 to 1');
    const slices = block([1, 2, 3], [1, 3]);
    expect(() => run('scatterAdd', [slices, outside], { axis: 0, size: 4 })).toThrow('got -1');
  });

  const cube = fc
    .tuple(extent, extent, extent)
    .chain((shape) =>
      fc
        .array(value, { minLength: 125, maxLength: 125 })
        .map((pool) => block(pool.slice(0, shape[0] * shape[1] * shape[2]), shape)),
    );
  const perms = fc.shuffledSubarray([0, 1, 2], { minLength: 3 });

  it('transpose undoes itself by the inverse permutation; flip by itself', () => {
    fc.assert(
      fc.property(cube, perms, fc.subarray([0, 1, 2]), (each, perm, axes) => {
        const inverse = [0, 1, 2].map((axis) => perm.indexOf(axis));
        const back = run('transpose', [run('transpose', [each], { perm })], { perm: inverse });
        expect(back).toEqual(each);
        expect(run('flip', [run('flip', [each], { axes })], { axes })).toEqual(each);
      }),
    );
  });

  it('⟨slice x, y⟩ = ⟨x, pad y⟩', () => {
    fc.assert(
      fc.property(cube, fc.array(fc.nat(), { minLength: 6, maxLength: 6 }), (each, draws) => {
        const begin = each.shape.map((n, axis) => draws[axis] % n);
        const size = each.shape.map((n, axis) => draws[axis + 3] % (n - begin[axis] + 1));
        const after = each.shape.map((n, axis) => n - begin[axis] - size[axis]);
        const part = run('slice', [each], { begin, size });
        const other = block(
          part.values.map((v, i) => Math.cos(i) + v),
          size,
        );
        const padded = run('pad', [other], { before: begin, after });
        expect(padded.shape).toEqual(each.shape);
        expect(dot(part, other)).toBeCloseTo(dot(each, padded), 9);
        expect(run('slice', [padded], { begin, size })).toEqual(other);
      }),
    );
  });

  it('⟨gather x, y⟩ = ⟨x, scatterAdd y⟩', () => {
    const lists = fc.array(fc.nat(), { maxLength: 8 });
    fc.assert(
      fc.property(cube, fc.constantFrom(0, 1, 2), lists, (each, axis, draws) => {
        const size = each.shape[axis];
        const list = block(
          draws.map((n) => n % size),
          [draws.length],
          'int32',
        );
        const picked = run('gather', [each, list], { axis });
        const other = block(
          picked.values.map((v, i) => Math.sin(i) + v),
          picked.shape,
        );
        const scattered = run('scatterAdd', [other, list], { axis, size });
        expect(dot(picked, other)).toBeCloseTo(dot(each, scattered), 8);
      }),
    );
  });

  it('⟨broadcastTo x, y⟩ = ⟨x, sum y⟩', () => {
    fc.assert(
      fc.property(cube, fc.integer({ min: 1, max: 4 }), (each, n) => {
        const wide = run('broadcastTo', [each], { shape: [n, ...each.shape] });
        const other = block(
          wide.values.map((_, i) => Math.sin(i)),
          wide.shape,
        );
        expect(dot(wide, other)).toBeCloseTo(dot(each, run('sum', [other], { axes: [0] })), 9);
      }),
    );
  });
});

describe('linearCombination', () => {
  it('weighs by hand, and rounds float32 once', () => {
    const [a, b] = [block([1, 2]), block([10, 20])];
    expect(numbers('linearCombination', [a, b], { weights: [2, -0.5] })).toEqual([-3, -6]);
    const [c, d] = [0.1, 0.2].map((each) => block([each], [1], 'float32'));
    const want = Math.fround(0.3 * Math.fround(0.1) + 0.7 * Math.fround(0.2));
    expect(numbers('linearCombination', [c, d], { weights: [0.3, 0.7] })).toEqual([want]);
    // each of the small terms alone is lost beside 1 in float32
    const terms = [1, 2 ** -24, 2 ** -24].map((each) => block([each], [1], 'float32'));
    const sum = numbers('linearCombination', terms, { weights: [1, 1, 1] });
    expect(sum).toEqual([1 + 2 ** -23]);
  });
});
