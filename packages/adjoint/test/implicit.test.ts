/**
 * Gradients of steady states: against closed forms, against central differences of the solve run to its end, and
 * against `direct()`.
 */
import { grad, hvp, jvp } from '@neuralode/autodiff';
import { reference } from '@neuralode/backend-reference';
import { odeint, type SolveStats, gmres } from '@neuralode/solvers';
import { evaluate, memory, random, setBackend, type Tensor, tensor } from '@neuralode/tensor';
import { beforeEach, describe, expect, it } from 'vitest';
import { direct, implicit } from '../src/index.ts';
import { centralGradient, pack, relativeError, unpack } from './numeric.ts';

beforeEach(async () => {
  await setBackend(reference());
});

/** A recurrent network with some coupling, which settles: y' = −y + tanh(W y + b), and a second leaf that follows. */
const size = 3;
const rng = random(3);
const shapes = [[size, size], [size], [size]];
const x = Array.from({ length: size * size + 2 * size }, () => 0.4 * rng.nextNormal());
const direction = x.map(() => rng.nextNormal());

function loss(gradient: Parameters<typeof odeint>[3]) {
  return ([w, b, c]: Tensor[]): Tensor => {
    const field = (_: Tensor, { y, s }: { y: Tensor; s: Tensor }, bias: Tensor) => ({
      y: w
        .matMul(y.reshape([size, 1]))
        .reshape([size])
        .add(bias)
        .tanh()
        .sub(y),
      s: y.mul(c).sum().sin().sub(s.mul(2)),
    });
    const y0 = { y: tensor(new Float64Array(size)), s: tensor(0) };
    const options = { ...gradient, args: b, rtol: 1e-12, atol: 1e-13 };
    const { ys } = odeint(field, y0, [0, 100], options as never);
    return ys.y.at(-1).square().sum().add(ys.s.at(-1).sin());
  };
}

describe.each([
  ['dense', {}],
  ['GMRES', { linearSolver: gmres() }],
  ['GMRES that starts afresh', { linearSolver: gmres({ restart: 2 }) }],
])('%s', (_, options) => {
  const fn = loss({ gradient: implicit(options) });
  const value = (flat: readonly number[]): number =>
    evaluate.sync(() => fn(unpack(flat, shapes))).itemSync();
  const gradientAt = (flat: readonly number[]): number[] =>
    pack(grad(fn).sync(unpack(flat, shapes)));

  it('agrees with central differences, passed and captured', () => {
    expect(relativeError(gradientAt(x), centralGradient(value, x, 1e-4))).toBeLessThan(1e-7);
  });

  it('the Hessian along a direction agrees with central differences of the gradient, both ways', () => {
    const h = 1e-5;
    const moved = (by: number): number[] => gradientAt(x.map((v, i) => v + by * direction[i]));
    const down = moved(-h);
    const expected = moved(h).map((g, i) => (g - down[i]) / (2 * h));
    const forward = pack(hvp.sync(fn, unpack(x, shapes), unpack(direction, shapes)));
    const along = (inputs: Tensor[]): Tensor =>
      grad(fn)(inputs)
        .map((g, i) => g.mul(unpack(direction, shapes)[i]).sum())
        .reduce((a, b) => a.add(b));
    const reverse = pack(grad(along).sync(unpack(x, shapes)));
    expect(relativeError(forward, expected)).toBeLessThan(1e-7);
    expect(relativeError(reverse, expected)).toBeLessThan(1e-7);
  });
});

describe('a steady state in closed form', () => {
  // y' = a − y³ settles at a^(1/3): derivatives 1/3 a^(−2/3), −2/9 a^(−5/3), 10/27 a^(−8/3).
  const root = (a: Tensor): Tensor =>
    odeint((_, y: Tensor, p: Tensor) => p.sub(y.mul(y).mul(y)), tensor(1), [0, 40], {
      args: a,
      rtol: 1e-12,
      atol: 1e-13,
      gradient: implicit(),
    }).ys.at(-1);

  it('three derivatives', () => {
    const a = 1.7;
    const first = grad(root);
    const second = grad((p: Tensor) => first(p));
    const third = grad((p: Tensor) => second(p));
    expect(first.sync(tensor(a)).itemSync()).toBeCloseTo(a ** (-2 / 3) / 3, 10);
    expect(second.sync(tensor(a)).itemSync()).toBeCloseTo((-2 / 9) * a ** (-5 / 3), 10);
    expect(third.sync(tensor(a)).itemSync()).toBeCloseTo((10 / 27) * a ** (-8 / 3), 10);
  });

  it('agrees with direct(), and with forward mode', () => {
    const options = { args: undefined, rtol: 1e-11, atol: 1e-12, gradient: direct() };
    const flow = (a: Tensor): Tensor =>
      odeint((_, y: Tensor) => a.sub(y.mul(y).mul(y)), tensor(1), [0, 40], options).ys.at(-1);
    const got = grad(root).sync(tensor(1.7)).itemSync();
    expect(got).toBeCloseTo(grad(flow).sync(tensor(1.7)).itemSync(), 9);
    expect(got).toBeCloseTo(jvp.sync(flow, [tensor(1.7)], [tensor(1)]).tangent.itemSync(), 9);
  });

  it('runs no solve backwards, and leaves nothing behind', () => {
    const seen: SolveStats[] = [];
    const onSolve = (stats: SolveStats): void => void seen.push(stats);
    const a = tensor(1.7);
    const before = memory().liveBuffers;
    const by = grad((p: Tensor) =>
      odeint((_, y: Tensor) => p.sub(y.exp()), tensor(1), [0, 60], {
        rtol: 1e-10,
        gradient: implicit(),
        onSolve,
      }).ys.at(-1),
    ).sync(a);
    // y = log a.
    expect(by.itemSync()).toBeCloseTo(1 / 1.7, 7);
    by.dispose();
    expect(seen.map(({ pass }) => pass)).toEqual(['forward']);
    expect(memory().liveBuffers - before).toBeLessThanOrEqual(1);
  });
});

describe('what it refuses', () => {
  const decay = (times: readonly number[], options: object, y0 = tensor([1])): Tensor =>
    grad((a: Tensor) =>
      odeint((_, y: Tensor) => a.sub(y.mul(y)), y0, times, {
        gradient: implicit(),
        ...options,
      }).ys.sum(),
    ).sync(tensor([2]));

  it('a state that still moves', () => {
    expect(() => decay([0, 1], {})).toThrow(
      /gradient by implicit\(\): the state is not steady at t = 1: .* Solve further, to a later end/,
    );
  });

  it('observations on the way, batches, options without sense', () => {
    expect(() => decay([0, 1, 2], {})).toThrow(/end of one solve.*3 times.*two times/s);
    expect(() => decay([0, 60], { batched: true })).toThrow(/a batched solve/);
    expect(() => implicit({ rtol: 0 })).toThrow(/implicit: rtol must be a positive number/);
    expect(() => implicit({ tol: 1 } as object)).toThrow(/no option tol/);
  });

  it('a Jacobian that is singular, where GMRES cannot converge', () => {
    // Every state is steady.
    const loss2 = (a: Tensor): Tensor =>
      odeint((_, y: Tensor) => y.sub(y).mul(a).sum().add(y.mul(0)), tensor([1, 2]), [0, 1], {
        gradient: implicit({ linearSolver: gmres({ maxProducts: 5 }) }),
      }).ys.sum();
    expect(() => grad(loss2).sync(tensor(1))).toThrow(
      /a linear system was not solved within 5 products/,
    );
  });
});
