/** `scan` and its derivatives in both modes, nested and to second order. */
import { reference } from '@neuralode/backend-reference';
import { evaluate, memory, random, scan, setBackend, type Tensor, tensor } from '@neuralode/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { grad, hvp, jit, jvp } from '../src/index.ts';
import { centralGradient, pack, relativeError, unpack } from './numeric.ts';

beforeAll(async () => {
  await setBackend(reference());
});

describe('scan', () => {
  it('gives the last carry and the stacked ys, forwards and in reverse', async () => {
    const add = (carry: Tensor, x: Tensor) => [carry.add(x), carry.mul(x)] as const;
    const [total, ys] = await scan(add, tensor(0), tensor([1, 2, 3]));
    expect(await total.item()).toBe(6);
    expect(await ys.array()).toEqual([0, 2, 9]);
    const [, back] = await scan(add, tensor(0), tensor([1, 2, 3]), { reverse: true });
    expect(await back.array()).toEqual([5, 6, 0]);
  });

  it('loops without xs, over nothing, and with trees', async () => {
    const double = (c: Tensor) => [c.mul(2), {}] as const;
    const [power] = await scan(double, tensor(1), {}, { length: 10 });
    expect(await power.item()).toBe(1024);
    const [same, none] = scan.sync((c: Tensor, x: Tensor) => [c, x], tensor(7), tensor([], [0, 2]));
    expect(same.itemSync()).toBe(7);
    expect(none.shape).toEqual([0, 2]);
    const [tree, ys] = scan.sync(
      (c: { n: Tensor }, x: { a: Tensor; b: Tensor }) => [{ n: c.n.add(x.a) }, { d: x.b.sub(x.a) }],
      { n: tensor(0) },
      { a: tensor([1, 2]), b: tensor([5, 9]) },
    );
    expect(tree.n.itemSync()).toBe(3);
    expect(ys.d.arraySync()).toEqual([4, 7]);
  });

  it('refuses a body that changes its carry', () => {
    expect(() =>
      scan.sync((c: Tensor) => [c.reshape([1]), {}], tensor(1), {}, { length: 2 }),
    ).toThrow(/changed the shape or dtype of a carry; got float64\[1\]; expected float64\[\]/);
  });
});

/** A recurrent cell over a sequence, with weights that are captured and an x of its own. */
const shapes = [
  [2, 3],
  [4, 2, 2],
  [2, 3],
  [3, 3],
];
const recurrent = (h0: Tensor, xs: Tensor, wx: Tensor, wh: Tensor, reverse = false): Tensor => {
  const cell = (h: Tensor, x: Tensor) => {
    const next = x.matMul(wx).add(h.matMul(wh)).tanh();
    return [next, next.square().sum(1)] as const;
  };
  const [last, ys] = scan(cell, h0, xs, { reverse });
  return last.sum().add(ys.mul(tensor([[1], [2], [3], [4]])).sum());
};

describe.each([false, true])('derivatives of a recurrent scan, reverse = %s', (reverse) => {
  const rng = random(3);
  const x = Array.from({ length: 6 + 16 + 6 + 9 }, () => 0.7 * rng.nextNormal());
  const direction = x.map(() => rng.nextNormal());
  const loss = (inputs: Tensor[]): Tensor => {
    const [h0, xs, wx, wh] = inputs;
    return recurrent(h0, xs, wx, wh, reverse);
  };
  const onHost = (flat: ArrayLike<number>): number =>
    evaluate.sync(() => loss(unpack(flat, shapes))).itemSync();
  const gradient = (flat: ArrayLike<number>): number[] =>
    pack(grad(loss).sync(unpack(flat, shapes)));

  it('reverse mode agrees with central differences', () => {
    expect(relativeError(gradient(x), centralGradient(onHost, x))).toBeLessThan(1e-8);
  });

  it('forward mode agrees with reverse mode to 1e-12', () => {
    const { tangent } = jvp.sync(loss, [unpack(x, shapes)], [unpack(direction, shapes)]);
    const expected = gradient(x).reduce((total, g, i) => total + g * direction[i], 0);
    expect(relativeError([tangent.itemSync()], [expected])).toBeLessThan(1e-12);
  });

  it('second order, forward over reverse, agrees with central differences', () => {
    const got = pack(hvp.sync(loss, unpack(x, shapes), unpack(direction, shapes)));
    const expected = x.map((_, i) => {
      const along = (s: ArrayLike<number>) => gradient(x.map((v, j) => v + s[0] * direction[j]))[i];
      return centralGradient(along, [0])[0];
    });
    expect(relativeError(got, expected)).toBeLessThan(1e-7);
  });

  it('second order, reverse over reverse, agrees with forward over reverse', () => {
    const along = (inputs: Tensor[]): Tensor =>
      grad(loss)(inputs)
        .map((g, i) => g.mul(unpack(direction, shapes)[i]).sum())
        .reduce((a, b) => a.add(b));
    const reverseOver = pack(grad(along).sync(unpack(x, shapes)));
    const forwardOver = pack(hvp.sync(loss, unpack(x, shapes), unpack(direction, shapes)));
    expect(relativeError(reverseOver, forwardOver)).toBeLessThan(1e-11);
  });

  it('third order, reverse over reverse over reverse, agrees with central differences', () => {
    const norm = (inputs: Tensor[]): Tensor =>
      grad(loss)(inputs)
        .map((g) => g.square().sum())
        .reduce((a, b) => a.add(b));
    const second = (inputs: Tensor[]): Tensor =>
      grad(norm)(inputs)
        .map((g) => g.square().sum())
        .reduce((a, b) => a.add(b));
    const host = (flat: ArrayLike<number>): number =>
      evaluate.sync(() => second(unpack(flat, shapes))).itemSync();
    const got = pack(grad(second).sync(unpack(x, shapes)));
    expect(relativeError(got, centralGradient(host, x))).toBeLessThan(1e-6);
  });

  it('leaves no buffer behind', () => {
    const fn = jit((inputs: Tensor[]) => grad(loss)(inputs));
    const inputs = unpack(x, shapes);
    const before = memory().liveBuffers;
    for (const g of fn.sync(inputs)) g.dispose();
    const after = memory().liveBuffers;
    for (let i = 0; i < 5; i++) for (const g of fn.sync(inputs)) g.dispose();
    expect(memory().liveBuffers).toBe(after);
    // The constants that the loss captured are all that may be left.
    expect(after - before).toBeLessThanOrEqual(1);
  });
});

describe('a scan inside a scan', () => {
  it('is differentiated', () => {
    const power = (x: Tensor): Tensor => {
      const outer = (c: Tensor) =>
        [scan((d: Tensor) => [d.mul(x), {}], c, {}, { length: 2 })[0], {}] as [Tensor, object];
      return scan(outer, tensor(1), {}, { length: 3 })[0];
    };
    expect(grad(power).sync(tensor(1.1)).itemSync()).toBeCloseTo(6 * 1.1 ** 5, 12);
    expect(grad(grad(power)).sync(tensor(1.1)).itemSync()).toBeCloseTo(30 * 1.1 ** 4, 11);
  });
});
