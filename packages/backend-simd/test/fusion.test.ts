/** Graphs of plain operations, compiled, against the reference: what is fused and what stands alone. */
import { valueAndGrad } from '@neuralode/autodiff';
import { concat, elu, relu, type Tensor, tanh, tensor, where } from '@neuralode/tensor';
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { expectSame, type Inputs, noise } from './harness.ts';

describe('products', () => {
  const extent = fc.integer({ min: 1, max: 19 });
  const product = fc.record({
    m: extent,
    k: fc.oneof(extent, fc.constant(67)),
    n: extent,
    aTransposed: fc.boolean(),
    bTransposed: fc.boolean(),
    dtype: fc.constantFrom('float32' as const, 'float64' as const),
  });
  it('of any extents, transposed or not, with what follows them', async () => {
    await fc.assert(
      fc.asyncProperty(product, async ({ m, k, n, aTransposed, bTransposed, dtype }) => {
        const a = noise(aTransposed ? [k, m] : [m, k], 1);
        const b = noise(bTransposed ? [n, k] : [k, n], 2);
        const program = (x: Tensor, y: Tensor, bias: Tensor, column: Tensor, full: Tensor) => {
          const left = aTransposed ? x.transpose() : x;
          const right = bTransposed ? y.transpose() : y;
          const plain = left.matMul(right);
          const after = plain.add(bias).tanh().mul(column).sub(full);
          // of one value on either side of zero, where rounding decides which side it is
          return [after, where(plain.greater(0), after, after.add(plain.mul(2)))];
        };
        const inputs = [a, b, noise([n], 3), noise([m, 1], 4), noise([m, n], 5)];
        await expectSame(program, inputs as Inputs, dtype, dtype === 'float32' ? 1e-5 : 1e-12);
      }),
      { numRuns: 120 },
    );
  });

  it('of matrices large enough to be put in order first', async () => {
    const [a, b] = [noise([65, 130], 1), noise([130, 70], 2)];
    await expectSame((x, y) => x.matMul(y), [a, b] as Inputs);
    await expectSame((x, y) => x.matMul(y.transpose()), [a, noise([70, 130], 3)] as Inputs);
  });

  it('of one or two terms, among operations over the same elements', async () => {
    // a planar layer and its derivative by hand: h and h² are read by products, and by what comes after them
    const layer = (x: Tensor, w: Tensor, u: Tensor, g: Tensor, column: Tensor) => {
      const h = x.matMul(w).tanh();
      const squares = h.square();
      const along = w.transpose().mul(u).sum([1], true);
      const sums = [h.matMul(u), squares.matMul(along)];
      const inner = g.matMul(u.transpose()).sub(column.matMul(along.transpose()).mul(h).mul(2));
      const outer = inner.mul(squares.neg().add(1));
      return [...sums, outer, outer.sum([0]), x.transpose().matMul(outer), squares.add(h)];
    };
    for (const width of [4, 11, 64]) {
      const shapes = [
        [9, 2],
        [2, width],
        [width, 2],
        [9, 2],
        [9, 1],
      ] as const;
      const inputs = shapes.map((shape, i) => noise(shape, i + 1)) as Inputs;
      for (const dtype of ['float32', 'float64'] as const) await expectSame(layer, inputs, dtype);
    }
  });

  it('of stacks that broadcast', async () => {
    const program = (x: Tensor, y: Tensor) => {
      const stack = x.reshape([3, 1, 4, 5]).matMul(y.reshape([2, 5, 2]));
      return [
        stack,
        stack.sum(),
        x.reshape([3, 4, 5]).matMul(y.reshape([2, 5, 2]).slice([0, 0, 0], [1, 5, 2])),
      ];
    };
    await expectSame(program, [noise([12, 5]), noise([10, 2])] as Inputs);
  });
});

/**
 * A step of a random chain: what it does to the latest value, given two inputs of numbers up to one. Lest rounding errors grow
 * without bound in a chain, each is continuous in x (floor, of x, would not be), makes a change of x at most twice as large,
 * and x itself at most twice as large or larger by 3.
 */
const steps: readonly ((x: Tensor, a: Tensor, row: Tensor) => Tensor)[] = [
  (x, a) => x.add(a),
  (x, _, row) => x.mul(row),
  (x) => x.tanh(),
  (x, a) => where(x.less(a), x, a.mul(2).sub(x)),
  (x) => x.sub(x.mean()),
  (x) => x.div(x.square().sum([1], true).add(1)),
  (x) => x.add(x.max([0])),
  (x) => x.transpose().flip([0]).transpose(),
  (x) => concat([x.slice([0, 0], [2, 5]), x.slice([2, 0], [4, 5])], 0),
  (x) => x.slice([1, 0], [4, 5]).pad([1, 0], [1, 0]).add(x),
  (x) => x.reshape([5, 6]).exp().reshape([6, 5]).sigmoid(),
  (x, a) => a.mul(2).floor().cast('int32').cast(x.dtype).add(x),
  (x) => {
    const y = x.tanh();
    return y.matMul(y.transpose()).matMul(y).mul(0.01);
  },
  (x) => x.gather(tensor([5, 0, 1, 1, 2, 3], { dtype: 'int32' })),
  (x) =>
    x
      .abs()
      .add(1)
      .pow(-1)
      .add(x.tanh().square().mean([0])),
  (x, a) =>
    x
      .maximum(a)
      .minimum(1.5)
      .add(a.broadcastTo([2, 6, 5]).sum([0])),
];

describe('sums over rows', () => {
  it.each([3, 16, 37, 64, 70])('of %i columns', async (columns) => {
    const program = (x: Tensor) => [x.sum([0]), x.reshape([2, 5, columns]).sum([1])];
    const inputs = [noise([10, columns])] as Inputs;
    for (const dtype of ['float32', 'float64'] as const) await expectSame(program, inputs, dtype);
  });
});

describe('chains of operations', () => {
  it('in any order', async () => {
    const chain = fc.array(fc.nat(steps.length - 1), { minLength: 2, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(chain, async (list) => {
        const program = (x: Tensor, a: Tensor, row: Tensor) => {
          const values = [x];
          for (const which of list) values.push(steps[which](values.at(-1) as Tensor, a, row));
          return values.slice(-3);
        };
        const inputs = [noise([6, 5], 1), noise([6, 5], 2), noise([5], 3)] as Inputs;
        // After k steps numbers are up to 2ᵏ⁺¹. The step that rounds most subtracts a mean of thirty: two backends differ by
        // 66 · 2⁻⁵³ of what it is given, and after eight steps by 66 · 2⁻⁵³ Σ 2⁸⁻ᵏ 2ᵏ = 1.5e-11.
        await expectSame(program, inputs, 'float64', 1e-10);
      }),
      { numRuns: 150 },
    );
  });

  it('an output that is an input, given twice, or a constant', async () => {
    await expectSame((x) => [x, x.add(1), x, x.reshape([3, 2]), x.mul(0).add(2)], [
      noise([6]),
    ] as Inputs);
  });

  it('of numbers that are not', async () => {
    const values = [Number.NaN, Number.POSITIVE_INFINITY, -0, 1e300, -1e300, 3];
    const program = (x: Tensor) => [x.mul(0), x.sub(x), x.maximum(0).sqrt(), x.square(), x.sum()];
    await expectSame(program, [values]);
  });
});

describe('values made again where they are read', () => {
  it('of a hidden layer whose derivative is asked for', async () => {
    const loss = (activation: (x: Tensor) => Tensor) => (x: Tensor, w: Tensor) =>
      valueAndGrad((v: Tensor) => activation(x.matMul(v)).matMul(v.transpose()).square().sum())(w);
    const given = [noise([9, 6], 1), noise([6, 11], 2)] as Inputs;
    for (const activation of [elu, tanh, relu]) {
      await expectSame(loss(activation), given, 'float64');
      await expectSame(loss(activation), given, 'float32', 1e-5);
    }
  });

  it('and read by what needs them in memory, or given out', async () => {
    const program = (x: Tensor, w: Tensor) => {
      const h = x.matMul(w).tanh();
      const rest = h.mul(h).neg().add(1);
      const mask = h.greater(0);
      return [rest.matMul(w), where(mask, rest, h), mask.cast(h.dtype).sum([0]), rest, h.sum()];
    };
    await expectSame(program, [noise([5, 7], 1), noise([7, 7], 2)] as Inputs);
  });
});
