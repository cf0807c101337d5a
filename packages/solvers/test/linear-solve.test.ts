/** `linearSolve` and `newtonSolve`: values, derivatives to second order in both modes, failures, and what they leave. */
import { grad, hvp, jvp } from '@neuralode/autodiff';
import { reference } from '@neuralode/backend-reference';
import { linearSolve, newtonSolve, RootError } from '@neuralode/solvers';
import {
  concat,
  evaluate,
  memory,
  random,
  setBackend,
  ShapeError,
  type Tensor,
  tensor,
} from '@neuralode/tensor';
import { beforeEach, describe, expect, it } from 'vitest';

let backend: Awaited<ReturnType<typeof setBackend>>;
beforeEach(async () => {
  backend = await setBackend(reference());
});

const normals = (count: number, seed: number): number[] => {
  const rng = random(seed);
  return Array.from({ length: count }, () => rng.nextNormal());
};

/** A function of a flat list of numbers, as a tensor [n]. */
type Scalar = (x: Tensor) => Tensor;

function central(fn: (x: number[]) => number, at: readonly number[], h = 1e-5): number[] {
  return at.map((_, i) => {
    const moved = (by: number): number => fn(at.map((each, j) => (j === i ? each + by : each)));
    return (moved(h) - moved(-h)) / (2 * h);
  });
}

/** First and second derivatives of `fn` in both modes, against differences. */
function checkDerivatives(fn: Scalar, at: number[], direction: number[]): void {
  const value = (flat: number[]): number => evaluate.sync(() => fn(tensor(flat))).itemSync();
  const gradient = (flat: number[]): number[] => Array.from(grad(fn).sync(tensor(flat)).dataSync());
  const expected = central(value, at);
  gradient(at).forEach((each, i) => {
    expect(Math.abs(each - expected[i])).toBeLessThan(1e-7);
  });
  const { tangent } = jvp.sync(fn, [tensor(at)], [tensor(direction)]);
  const along = expected.reduce((sum, each, i) => sum + each * direction[i], 0);
  expect(Math.abs(tangent.itemSync() - along)).toBeLessThan(1e-7);

  const h = 1e-5;
  const moved = (by: number): number[] => gradient(at.map((each, i) => each + by * direction[i]));
  const [up, down] = [moved(h), moved(-h)];
  const second = Array.from(hvp.sync(fn, tensor(at), tensor(direction)).dataSync());
  second.forEach((each, i) => {
    expect(Math.abs(each - (up[i] - down[i]) / (2 * h))).toBeLessThan(1e-6);
  });
  const reverse = grad((x: Tensor) => grad(fn)(x).mul(tensor(direction)).sum()).sync(tensor(at));
  Array.from(reverse.dataSync()).forEach((each, i) => {
    expect(Math.abs(each - second[i])).toBeLessThan(1e-9);
  });
}

describe('linearSolve', () => {
  it('solves, with pivoting, vectors and matrices, A and its transpose', () => {
    const a = tensor([
      [0, 2, 1],
      [3, 4, 0],
      [1, 0, 5],
    ]);
    for (const transposed of [false, true]) {
      const matrix = transposed ? a.transpose() : a;
      for (const shape of [[3], [3, 1], [3, 4]]) {
        const b = random(3).normal(shape);
        const x = linearSolve.sync(a, b, { transposed });
        expect(x.shape).toEqual(shape);
        const column = shape.length === 1 ? x.reshape([3, 1]) : x;
        const back = matrix.matMul(column).reshape(shape).sub(b).abs().max().itemSync();
        expect(back).toBeLessThan(1e-14);
      }
    }
  });

  it('solves a large system to rounding', () => {
    const a = tensor(Float64Array.from(normals(100 * 100, 5)), [100, 100]);
    const x = random(6).normal([100, 1]);
    const error = linearSolve.sync(a, a.matMul(x)).sub(x).abs().max().itemSync();
    expect(error).toBeLessThan(1e-10);
  });

  it.each([false, true])('has derivatives to second order; transposed: %s', (transposed) => {
    const fn: Scalar = (x) => {
      const a = x
        .slice([0], [9])
        .reshape([3, 3])
        .add(
          tensor([
            [3, 0, 0],
            [0, 3, 0],
            [0, 0, 3],
          ]),
        );
      const b = x.slice([9], [6]).reshape([3, 2]);
      return linearSolve(a, b, { transposed }).pow(3).sum();
    };
    checkDerivatives(fn, normals(15, 1), normals(15, 2));
  });

  it('gives NaN for a singular system', () => {
    const a = tensor([
      [1, 2],
      [2, 4],
    ]);
    expect(linearSolve.sync(a, tensor([1, 1])).arraySync()).toEqual([Number.NaN, Number.NaN]);
  });

  it('refuses what is no system', () => {
    expect(() => linearSolve.sync(tensor([[1, 2]]), tensor([1]))).toThrow(ShapeError);
    expect(() => linearSolve.sync(tensor([[1]]), tensor([1, 2]))).toThrow(
      'linearSolve: the matrix must be [n, n], the right-hand side [n] or [n, m] of the same dtype; got float64[1, 1] and float64[2].',
    );
  });

  it('leaves nothing behind', () => {
    const [a, b] = [
      tensor([
        [2, 1],
        [1, 3],
      ]),
      tensor([1, 2]),
    ];
    const before = memory(backend).liveBuffers;
    linearSolve.sync(a, b).dispose();
    const both = grad(([m, v]: Tensor[]) => linearSolve(m, v).sum()).sync([a, b]);
    for (const each of both) each.dispose();
    expect(memory(backend).liveBuffers).toBe(before);
  });
});

describe('newtonSolve', () => {
  /** x² + y² = a, x y = b, from near the root. */
  const circle = (z: Tensor, p: Tensor): Tensor => {
    const [x, y] = [z.slice([0], [1]), z.slice([1], [1])];
    return concat([x.square().add(y.square()), x.mul(y)]).sub(p);
  };

  it('finds roots to rounding', () => {
    const [x, y] = newtonSolve
      .sync(circle, tensor([2.2, 0.9]), tensor([5, 2]))
      .arraySync() as number[];
    expect(x).toBeCloseTo(2, 13);
    expect(y).toBeCloseTo(1, 13);
    expect(
      newtonSolve.sync((z, a) => z.square().sub(a), tensor([1.5]), tensor([2])).itemSync(),
    ).toBeCloseTo(Math.SQRT2, 14);
  });

  it('finds roots of trees, and one that is zero', () => {
    const root = newtonSolve.sync(
      ({ a, b }, _: undefined) => ({ a: a.add(b.sum()), b: b.mul(2).sub(a) }),
      { a: tensor([0.5]), b: tensor([[1, 2]]) },
      undefined,
    );
    expect(root.b.abs().max().itemSync()).toBeLessThan(1e-15);
  });

  it('has derivatives to second order, by parameters and by what is captured', () => {
    const fn: Scalar = (x) => {
      const root = newtonSolve(
        (z, p: Tensor) => circle(z, p).add(z.pow(3).mul(x.slice([2], [2]))),
        tensor([2.2, 0.9]),
        x.slice([0], [2]),
      );
      return root.pow(3).sum();
    };
    checkDerivatives(fn, [5, 2, 0.03, -0.02], [1, -0.5, 0.4, 0.8]);
  });

  it('says so where it does not converge, and leaves nothing behind', () => {
    const [start, shift] = [tensor([0.8]), tensor([1])];
    const before = memory(backend).liveBuffers;
    const noRoot = (z: Tensor, a: Tensor): Tensor => z.square().add(a);
    expect(() => newtonSolve.sync(noRoot, start, shift)).toThrow(RootError);
    expect(() => newtonSolve.sync(noRoot, start, shift)).toThrow(/did not converge\. Start nearer/);
    expect(() => newtonSolve.sync((z) => z.sub(2).log(), start, shift)).toThrow(/is not finite/);
    expect(() => newtonSolve.sync((z) => concat([z, z]), start, shift)).toThrow(
      'newtonSolve: there must be as many equations as unknowns; got 2; expected 1.',
    );
    newtonSolve.sync((z, a) => z.square().sub(a), start, shift, { maxIterations: 90 }).dispose();
    expect(memory(backend).liveBuffers).toBe(before);
  });

  it('takes no more iterations than it is told', () => {
    const square = (z: Tensor, a: Tensor): Tensor => z.square().sub(a);
    const [start, two] = [tensor([2]), tensor([2])];
    expect(() => newtonSolve.sync(square, start, two, { maxIterations: 3 })).toThrow(RootError);
    expect(newtonSolve.sync(square, start, two).itemSync()).toBeCloseTo(Math.SQRT2, 12);
  });
});
