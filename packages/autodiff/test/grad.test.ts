/** Gradients of ordinary functions against central differences, both modes, to second and third order. */
import { reference } from '@neuralode/backend-reference';
import {
  concat,
  evaluate,
  full,
  linearCombination,
  memory,
  random,
  setBackend,
  stack,
  type Tensor,
  tensor,
  where,
} from '@neuralode/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { grad, hvp, jit, jvp, valueAndGrad, vjp } from '../src/index.ts';
import { centralGradient, pack, relativeError, unpack } from './numeric.ts';

beforeAll(async () => {
  await setBackend(reference());
});

type Fn = (...inputs: Tensor[]) => Tensor;

const positive = { low: 0.4, high: 1.9 };
const signed = { low: -1.3, high: 1.7 };

/** Every primitive with a derivative, inside a function of a few inputs. */
const functions: Record<string, { fn: Fn; shapes: number[][]; range?: typeof positive }> = {
  neg: { fn: (x) => x.neg(), shapes: [[3]] },
  abs: { fn: (x) => x.abs(), shapes: [[4]] },
  exp: { fn: (x) => x.exp(), shapes: [[2, 3]] },
  expm1: { fn: (x) => x.expm1(), shapes: [[3]] },
  log: { fn: (x) => x.log(), shapes: [[3]], range: positive },
  log1p: { fn: (x) => x.log1p(), shapes: [[3]], range: positive },
  sqrt: { fn: (x) => x.sqrt(), shapes: [[3]], range: positive },
  sin: { fn: (x) => x.sin(), shapes: [[3]] },
  cos: { fn: (x) => x.cos(), shapes: [[3]] },
  tanh: { fn: (x) => x.tanh(), shapes: [[3]] },
  sigmoid: { fn: (x) => x.sigmoid(), shapes: [[3]] },
  relu: { fn: (x) => x.relu(), shapes: [[5]] },
  elu: { fn: (x) => x.elu(), shapes: [[5]] },
  softplus: { fn: (x) => x.softplus(), shapes: [[5]] },
  softmax: { fn: (x) => x.softmax(), shapes: [[2, 4]] },
  logSumExp: { fn: (x) => x.logSumExp(1), shapes: [[2, 4]] },
  'add, broadcast': { fn: (a, b) => a.add(b), shapes: [[2, 3], [3]] },
  'sub, broadcast': { fn: (a, b) => a.sub(b), shapes: [[3], [2, 1]] },
  'mul, broadcast': { fn: (a, b) => a.mul(b), shapes: [[2, 3], []] },
  'mul by itself': { fn: (a) => a.mul(a), shapes: [[3]] },
  'div, broadcast': {
    fn: (a, b) => a.div(b),
    shapes: [
      [2, 3],
      [1, 3],
    ],
    range: positive,
  },
  pow: { fn: (a, b) => a.pow(b), shapes: [[2, 3], [3]], range: positive },
  'pow of a literal': { fn: (a) => a.pow(3), shapes: [[3]] },
  maximum: { fn: (a, b) => a.maximum(b), shapes: [[2, 3], [3]] },
  minimum: { fn: (a, b) => a.minimum(b), shapes: [[3], [2, 3]] },
  where: { fn: (a, b) => where(a.greater(b), a.square(), b), shapes: [[2, 3], [3]] },
  matMul: {
    fn: (a, b) => a.matMul(b),
    shapes: [
      [2, 3],
      [3, 4],
    ],
  },
  'matMul, batched': {
    fn: (a, b) => a.matMul(b),
    shapes: [
      [2, 2, 3],
      [2, 3, 2],
    ],
  },
  conv2d: {
    fn: (x, w) => x.conv2d(w, { strides: [2, 1], padding: 'same' }),
    shapes: [
      [2, 4, 3, 2],
      [3, 2, 2, 2],
    ],
  },
  'conv2d, dilated, padded on some sides': {
    fn: (x, w) =>
      x.conv2d(w, {
        dilations: [1, 2],
        padding: [
          [1, 0],
          [0, 2],
        ],
      }),
    shapes: [
      [1, 3, 4, 2],
      [2, 2, 2, 3],
    ],
  },
  conv2dTranspose: {
    fn: (y, w) => y.conv2dTranspose(w, { strides: 2, padding: 1, size: [6, 5] }),
    shapes: [
      [2, 3, 3, 2],
      [3, 3, 2, 2],
    ],
  },
  'matMul, shared right side': {
    fn: (a, b) => a.matMul(b),
    shapes: [
      [2, 2, 3],
      [3, 2],
    ],
  },
  'matMul, shared left side': {
    fn: (a, b) => a.matMul(b),
    shapes: [
      [2, 3],
      [2, 3, 2],
    ],
  },
  sum: { fn: (x) => x.sum(1).square(), shapes: [[2, 3]] },
  'mean, kept': { fn: (x) => x.sub(x.mean(0, true)).square(), shapes: [[3, 2]] },
  max: { fn: (x) => x.max(1).square(), shapes: [[2, 3]] },
  min: { fn: (x) => x.min(), shapes: [[2, 3]] },
  reshape: { fn: (x) => x.reshape([3, -1]).square(), shapes: [[2, 3]] },
  transpose: { fn: (x) => x.transpose([1, 2, 0]).square(), shapes: [[2, 3, 2]] },
  broadcastTo: { fn: (x) => x.broadcastTo([4, 2, 3]).square(), shapes: [[2, 1]] },
  slice: { fn: (x) => x.slice([1, 0], [1, 2]).square(), shapes: [[3, 3]] },
  at: { fn: (x) => x.at(-1, 1).square(), shapes: [[3, 3]] },
  pad: { fn: (x) => x.pad([1, 0], [0, 2]).add(1).square(), shapes: [[2, 2]] },
  concat: {
    fn: (a, b) => concat([a, b, a], 1).square(),
    shapes: [
      [2, 2],
      [2, 1],
    ],
  },
  stack: { fn: (a, b) => stack([a, b]).square(), shapes: [[2], [2]] },
  flip: { fn: (x) => x.flip(0).mul(x), shapes: [[3, 2]] },
  gather: { fn: (x) => x.gather([2, 0, 2], 0).square(), shapes: [[3, 2]] },
  cast: { fn: (x) => x.cast('float64').square(), shapes: [[3]] },
  linearCombination: {
    fn: (a, b) => linearCombination([2, -0.5, 1], [a, b, a]).square(),
    shapes: [[3], [3]],
  },
  'a chain': {
    fn: (x, w) => x.matMul(w).tanh().matMul(w.transpose()).sigmoid().log(),
    shapes: [
      [2, 3],
      [3, 4],
    ],
  },
};

/** A scalar that weighs every element of the output differently. */
function weighted(fn: Fn): Fn {
  return (...inputs) => {
    const y = fn(...inputs);
    const weights = random(99).uniform(y.shape, 0.5, 1.5);
    return y.mul(weights).sum();
  };
}

describe.each(Object.entries(functions))('%s', (_, { fn, shapes, range = signed }) => {
  const rng = random(5);
  const draw = (): number[] =>
    shapes.flatMap((shape) =>
      Array.from(
        { length: shape.reduce((a, b) => a * b, 1) },
        () => range.low + (range.high - range.low) * rng.next(),
      ),
    );
  const x = draw();
  const direction = draw();
  const loss = weighted(fn);
  const onHost = (flat: ArrayLike<number>): number =>
    evaluate.sync(() => loss(...unpack(flat, shapes))).itemSync();
  const gradient = grad((inputs: Tensor[]) => loss(...inputs));
  const gradientAt = (flat: ArrayLike<number>): number[] =>
    pack(gradient.sync(unpack(flat, shapes)));

  it('reverse mode agrees with central differences', () => {
    expect(relativeError(gradientAt(x), centralGradient(onHost, x))).toBeLessThan(1e-8);
  });

  it('forward mode agrees with reverse mode', () => {
    const along = jvp.sync(
      (...inputs: Tensor[]) => loss(...inputs),
      unpack(x, shapes),
      unpack(direction, shapes),
    );
    const expected = gradientAt(x).reduce((total, g, i) => total + g * direction[i], 0);
    expect(relativeError([along.tangent.itemSync()], [expected])).toBeLessThan(1e-12);
  });

  it('second order: forward over reverse agrees with central differences of the gradient', () => {
    const got = pack(
      hvp.sync((inputs: Tensor[]) => loss(...inputs), unpack(x, shapes), unpack(direction, shapes)),
    );
    const expected = centralGradient(
      (s) => {
        const moved = gradientAt(x.map((value, i) => value + s[0] * direction[i]));
        return moved.reduce((total, g, i) => total + g * got[i], 0);
      },
      [0],
    );
    const norm = got.reduce((total, g) => total + g * g, 0);
    expect(relativeError([norm], expected)).toBeLessThan(1e-7);
  });

  it('second order: reverse over reverse agrees with forward over reverse', () => {
    const reverse = grad((inputs: Tensor[]) => {
      const grads = grad((again: Tensor[]) => loss(...again))(inputs);
      return grads
        .map((g, i) => g.mul(unpack(direction, shapes)[i]).sum())
        .reduce((a, b) => a.add(b));
    });
    const forward = hvp.sync(
      (inputs: Tensor[]) => loss(...inputs),
      unpack(x, shapes),
      unpack(direction, shapes),
    );
    expect(relativeError(pack(reverse.sync(unpack(x, shapes))), pack(forward))).toBeLessThan(1e-11);
  });
});

it.each<[string, (x: Tensor) => Tensor, number]>([
  ['relu', (x) => x.relu(), 0],
  ['elu', (x) => x.elu(), 1],
])('the derivative of %s at 0', (_, fn, want) => {
  for (const zero of [0, -0]) {
    expect(
      grad((x: Tensor) => fn(x).sum())
        .sync(tensor([zero]))
        .dataSync()[0],
    ).toBe(want);
  }
});

describe('a tanh network', () => {
  const shapes = [[2, 8], [8], [8, 1]];
  const rng = random(1);
  const params = Array.from({ length: 32 }, () => rng.nextNormal());
  const points = random(2);
  const inputs = Array.from({ length: 10 }, () => points.nextNormal());
  const network: Fn = (w1, b1, w2) => {
    const x = tensor(inputs).reshape([5, 2]);
    return x.matMul(w1).add(b1).tanh().matMul(w2).square().mean();
  };
  const gradNorm = (...p: Tensor[]): Tensor => {
    const grads = grad((q: Tensor[]) => network(...q))(p);
    return grads.map((g) => g.square().sum()).reduce((a, b) => a.add(b));
  };
  const onHost =
    (fn: Fn) =>
    (flat: ArrayLike<number>): number =>
      evaluate.sync(() => fn(...unpack(flat, shapes))).itemSync();

  it('gradient of a gradient agrees with finite differences to 1e-6', () => {
    const got = pack(grad((p: Tensor[]) => gradNorm(...p)).sync(unpack(params, shapes)));
    expect(relativeError(got, centralGradient(onHost(gradNorm), params))).toBeLessThan(1e-6);
  });

  it('third order too', () => {
    const third = (...p: Tensor[]): Tensor => {
      const grads = grad((q: Tensor[]) => gradNorm(...q))(p);
      return grads.map((g) => g.square().sum()).reduce((a, b) => a.add(b));
    };
    const got = pack(grad((p: Tensor[]) => third(...p)).sync(unpack(params, shapes)));
    expect(relativeError(got, centralGradient(onHost(third), params))).toBeLessThan(1e-6);
  });
});

describe('the public functions', () => {
  it('grad keeps the structure of the first argument and holds the others fixed', async () => {
    const grads = await grad((p: { a: Tensor; b: Tensor[] }, scale: Tensor) =>
      p.a.mul(p.b[0]).mul(scale),
    )({ a: tensor(2), b: [tensor(3)] }, tensor(10));
    expect(grads.a.itemSync()).toBe(30);
    expect(grads.b[0].itemSync()).toBe(20);
  });

  it('valueAndGrad passes aux through and does not differentiate it', async () => {
    const result = await valueAndGrad(
      (x: Tensor) => {
        const loss = x.square();
        return [loss, { loss, twice: x.mul(2) }] as const;
      },
      { hasAux: true },
    )(tensor(3));
    expect(result.value.itemSync()).toBe(9);
    expect(result.grads.itemSync()).toBe(6);
    expect(result.aux.loss.itemSync()).toBe(9);
    expect(result.aux.twice.itemSync()).toBe(6);
  });

  it('a captured tensor has the same gradient as a passed one', async () => {
    const outer = async (x: Tensor): Promise<number> =>
      (await grad((y: Tensor) => grad((z: Tensor) => z.mul(y).mul(y).mul(z))(y))(x)).item();
    // d/dy [2 z y²] at z = y, where the inner derivative was taken with y held fixed: 2y³ → 6y².
    expect(await outer(tensor(3))).toBe(54);
  });

  it('an argument that plays no part has a zero gradient', async () => {
    const grads = await grad((p: { used: Tensor; idle: Tensor }) => p.used.sum())({
      used: tensor([1, 2]),
      idle: tensor([5]),
    });
    expect(grads.idle.arraySync()).toEqual([0]);
  });

  it('vjp takes a cotangent of any structure', async () => {
    const { value, grads } = await vjp(
      (x: Tensor, y: Tensor) => ({ product: x.mul(y), sum: x.add(y) }),
      [tensor([1, 2]), tensor([3, 4])],
      { product: tensor([1, 10]), sum: tensor([100, 1000]) },
    );
    expect(value.product.arraySync()).toEqual([3, 8]);
    expect(grads[0].arraySync()).toEqual([103, 1040]);
    expect(grads[1].arraySync()).toEqual([101, 1020]);
  });

  it('jit records once per structure, not per value', async () => {
    let recordings = 0;
    const fn = jit((x: Tensor, factor: number) => {
      recordings++;
      return x.mul(factor).sum();
    });
    expect(await (await fn(tensor([1, 2]), 3)).item()).toBe(9);
    expect(await (await fn(tensor([5, 5]), 3)).item()).toBe(30);
    expect(recordings).toBe(1);
    expect(fn.sync(tensor([5, 5]), 4).itemSync()).toBe(40);
    expect(fn.sync(tensor([1, 1, 1]), 4).itemSync()).toBe(12);
    expect(recordings).toBe(3);
  });

  it('leaves no buffer behind but its results', () => {
    const fn = jit(
      valueAndGrad((x: Tensor) =>
        x
          .mul(full([3], 2))
          .tanh()
          .square()
          .mean(),
      ),
    );
    const x = tensor([1, 2, 3]);
    const run = (): void => {
      const { value, grads } = fn.sync(x);
      value.dispose();
      grads.dispose();
    };
    run();
    const before = memory().liveBuffers;
    for (let i = 0; i < 20; i++) run();
    expect(memory().liveBuffers).toBe(before);
  });
});
