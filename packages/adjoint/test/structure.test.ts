/**
 * Beyond the plain case: states that are trees, values captured by the field, cost, memory, buffers, and errors.
 */
import { grad, jit, valueAndGrad } from '@neuralode/autodiff';
import { reference } from '@neuralode/backend-reference';
import {
  euler,
  type GradientMethod,
  midpoint,
  odeint,
  rk4,
  type SolveStats,
} from '@neuralode/solvers';
import { memory, type Pending, setBackend, type Tensor, tensor, zeros } from '@neuralode/tensor';
import { beforeEach, describe, expect, it } from 'vitest';
import { backsolve, direct, forward, interpolated } from '../src/index.ts';
import { pack, relativeError } from './numeric.ts';

beforeEach(async () => {
  await setBackend(reference());
});

const methods = [direct(), backsolve(), interpolated(), forward()];

describe.each(methods)('$name', (gradient) => {
  const tight = { rtol: 1e-11, atol: 1e-11, gradient };

  it('gives the closed form for a linear field', () => {
    // y(T) = y₀ exp(aT): ∂y/∂y₀ = exp(aT), ∂y/∂a = y₀ T exp(aT).
    const final = (p: { y0: Tensor; a: Tensor }): Tensor =>
      odeint((_, y, a: Tensor) => y.mul(a), p.y0, [0, 1.5], { ...tight, args: p.a }).ys.at(-1);
    const grads = grad(final).sync({ y0: tensor(2), a: tensor(-0.7) });
    const growth = Math.exp(-0.7 * 1.5);
    expect(grads.y0.itemSync()).toBeCloseTo(growth, 9);
    expect(grads.a.itemSync()).toBeCloseTo(2 * 1.5 * growth, 9);
  });

  it('a value captured by the field has the gradient of one passed through args', () => {
    const times = [0, 0.4, 1];
    const passed = (w: Tensor): Tensor =>
      odeint((_, y, a: Tensor) => y.mul(a).sin(), tensor([1, 2]), times, {
        ...tight,
        args: w,
      }).ys.sum();
    const captured = (w: Tensor): Tensor =>
      odeint((_, y) => y.mul(w).sin(), tensor([1, 2]), times, tight).ys.sum();
    const derived = (w: Tensor): Tensor => {
      const half = w.mul(0.5); // a value of the enclosing recording, not an input of it
      return odeint((_, y) => y.mul(half).mul(2).sin(), tensor([1, 2]), times, tight).ys.sum();
    };
    const w = tensor([0.3, -0.8]);
    const expected = pack([grad(passed).sync(w)]);
    expect(relativeError(pack([grad(captured).sync(w)]), expected)).toBeLessThan(1e-12);
    expect(relativeError(pack([grad(derived).sync(w)]), expected)).toBeLessThan(1e-12);
  });

  it('takes trees of states of different shapes', () => {
    type State = { q: Tensor; parts: readonly [Tensor, Tensor] };
    const field = (_: Tensor, { q, parts: [a, b] }: State): State => ({
      q: a.sum().mul(q).neg(),
      parts: [b.sum(0), a.mul(q).broadcastTo([2, 3])],
    });
    const y0 = (): State => ({
      q: tensor(0.5),
      parts: [
        tensor([0.1, 0.2, 0.3]),
        tensor([
          [0.4, 0.5, 0.6],
          [0.7, 0.8, 0.9],
        ]),
      ],
    });
    const loss = (y: State): Tensor => {
      const { ys } = odeint(field, y, [0, 0.3, 1], tight);
      return ys.q.square().sum().add(ys.parts[0].mul(ys.parts[0]).sum()).add(ys.parts[1].sum());
    };
    const grads = grad(loss).sync(y0());
    expect(grads.parts[1].shape).toEqual([2, 3]);
    // Central differences in the scalar leaf and in one element of a matrix.
    const at = (dq: number, db: number): number => {
      const y = y0();
      const bump = zeros([2, 3]).add(
        tensor([
          [0, 0, 0],
          [0, db, 0],
        ]),
      );
      const moved = { q: y.q.add(dq), parts: [y.parts[0], y.parts[1].add(bump)] as const };
      return jit(loss).sync(moved).itemSync();
    };
    const h = 1e-5;
    expect(grads.q.itemSync()).toBeCloseTo((at(h, 0) - at(-h, 0)) / (2 * h), 6);
    const element = (grads.parts[1].arraySync() as number[][])[1][1];
    expect(element).toBeCloseTo((at(0, h) - at(0, -h)) / (2 * h), 6);
  });

  it('works for a state of which the loss sees only a part', () => {
    const loss = (p: Tensor): Tensor => {
      const field = (_: Tensor, { a, b }: { a: Tensor; b: Tensor }) => ({ a: b, b: a.neg() });
      return odeint(field, { a: p, b: tensor(0) }, [0, 1], tight).ys.a.at(-1);
    };
    expect(grad(loss).sync(tensor(1)).itemSync()).toBeCloseTo(Math.cos(1), 9);
  });

  it.each([
    [euler(), 1e-3],
    [midpoint(), 1e-2],
    [rk4(), 1e-1],
  ])('differentiates $tableau.name', (solver, stepSize) => {
    const final = (y0: Tensor): Tensor =>
      odeint((t, y) => y.mul(t.cos()), y0, [0, 0.55, 1], { solver, stepSize, gradient }).ys.at(-1);
    expect(grad(final).sync(tensor(1)).itemSync()).toBeCloseTo(Math.exp(Math.sin(1)), 2);
  });

  it('reports what it cost, forwards and backwards', () => {
    const seen: SolveStats[] = [];
    const options = { rtol: 1e-6, atol: 1e-8, gradient, onSolve: (s: SolveStats) => seen.push(s) };
    const loss = (y0: Tensor): Tensor => odeint((_, y) => y.sin(), y0, [0, 1, 2], options).ys.sum();
    grad(loss).sync(tensor([1, 2]));
    if (gradient.name === 'forward') {
      // One solve, whose evaluations each bring the derivatives along.
      expect(seen.map(({ pass }) => pass)).toEqual(['forward']);
      expect(seen[0].nfe).toBe(2 + 6 * (seen[0].accepted + seen[0].rejected));
      return;
    }
    expect(seen.map(({ pass }) => pass)).toEqual(['forward', 'backward']);
    const [ahead, backward] = seen;
    expect(ahead.nfe).toBe(2 + 6 * (ahead.accepted + ahead.rejected));
    // direct: one vector-Jacobian product a stage of each accepted step, and one for the very first stage.
    if (gradient.name === 'direct') expect(backward.nfe).toBe(1 + 6 * ahead.accepted);
    else expect(backward.nfe).toBeGreaterThan(6 * backward.accepted);
  });

  it('leaves no buffer behind, however many steps are trained', async () => {
    const step = jit(
      valueAndGrad((w: Tensor) =>
        odeint((t, y, a: Tensor) => y.matMul(a).tanh().mul(t), tensor([[1, 0.5]]), [0, 0.5, 1], {
          args: w,
          gradient,
        })
          .ys.square()
          .sum(),
      ),
    );
    let w = tensor([
      [0.1, 0.2],
      [0.3, 0.4],
    ]);
    const train = async (): Promise<void> => {
      const { value, grads } = await step(w);
      const next = w.sub(grads);
      for (const old of [w, value, grads]) old.dispose();
      w = next;
    };
    await train();
    const after = memory().liveBuffers;
    for (let i = 0; i < 10; i++) await train();
    expect(memory().liveBuffers).toBe(after);
  });

  it('is to be had inside jit, and jit gives the same numbers', async () => {
    const loss = (y0: Tensor): Tensor =>
      odeint((_, y) => y.cos(), y0, [0, 1], { gradient }).ys.sum();
    const plain = await grad(loss)(tensor([0.2, 0.9]));
    const compiled = await jit(grad(loss))(tensor([0.2, 0.9]));
    expect(pack([compiled])).toEqual(pack([plain]));
  });

  it('works on a device that can only be read by waiting', async () => {
    const loss = (y0: Tensor): Tensor =>
      odeint((t, y) => y.mul(t).sin(), y0, [0, 1, 2], { gradient }).ys.sum();
    const near = pack([await grad(loss)(tensor([1, 2]))]);
    const plain = reference();
    const { readSync, ...distant } = plain;
    await setBackend({
      ...distant,
      readSync: () => {
        throw new Error('this device cannot be read at once');
      },
    });
    const throwing = grad(loss)(tensor([1, 2])) as Pending<Tensor>;
    await expect(throwing).rejects.toThrow('cannot be read at once');
    const backend = await setBackend(distant);
    const far = await grad(loss)(tensor([1, 2]));
    expect(Array.from(await far.data())).toEqual(near);
    expect(readSync).toBeDefined();
    expect(backend.readSync).toBeUndefined();
  });

  it('leaves nothing behind when the solve fails', () => {
    const loss = (y0: Tensor): Tensor =>
      odeint((_, y) => y.square().neg(), y0, [0, 1], {
        gradient,
        maxSteps: 3,
        rtol: 1e-3,
      }).ys.sum();
    expect(() => grad(loss).sync(tensor(1e3))).toThrow(/3 steps got only as far as t = 0\.00/);
    expect(memory().liveBuffers).toBeLessThanOrEqual(1);
  });
});

describe('memory of the backward pass against the number of steps', () => {
  const peak = async (gradient: GradientMethod, steps: number): Promise<number> => {
    const backend = await setBackend(reference());
    const loss = (y0: Tensor): Tensor =>
      odeint((_, y) => y.tanh().neg(), y0, [0, 1], {
        solver: rk4(),
        stepSize: 1 / steps,
        gradient,
      })
        .ys.at(-1)
        .sum();
    const y0 = tensor(new Float64Array(1000).fill(0.5));
    const step = jit(grad(loss));
    step.sync(y0).dispose();
    backend.resetPeak();
    const before = backend.memory().liveBytes;
    step.sync(y0).dispose();
    return backend.memory().peakBytes - before;
  };

  it('does not grow with backsolve', async () => {
    const bytes: number[] = [];
    for (const steps of [10, 100, 1000]) bytes.push(await peak(backsolve(), steps));
    // Scalars that watch for overflow are all that may differ: a few of 8 bytes.
    expect(Math.abs(bytes[1] - bytes[0])).toBeLessThan(400);
    expect(Math.abs(bytes[2] - bytes[0])).toBeLessThan(400);
  });

  it('grows linearly with direct', async () => {
    const few = await peak(direct(), 10);
    const many = await peak(direct(), 100);
    expect(many / few).toBeGreaterThan(5);
    expect(many / few).toBeLessThan(11);
  });
});

describe('the settings of backsolve', () => {
  const errorOf = (gradient: GradientMethod, seen: SolveStats[] = []): number => {
    const options = {
      rtol: 1e-11,
      atol: 1e-11,
      gradient,
      onSolve: (s: SolveStats) => seen.push(s),
    };
    const final = (a: Tensor): Tensor =>
      odeint((t, y, rate: Tensor) => y.mul(rate).mul(t.cos()), tensor(1), [0, 2], {
        ...options,
        args: a,
      }).ys.at(-1);
    // y(2) = exp(a sin 2)
    const exact = Math.sin(2) * Math.exp(0.7 * Math.sin(2));
    return Math.abs(grad(final).sync(tensor(0.7)).itemSync() - exact);
  };

  it('tolerances of its own change the gradient and its cost, not the solution', () => {
    const [tight, loose]: SolveStats[][] = [[], []];
    expect(errorOf(backsolve(), tight)).toBeLessThan(1e-9);
    const error = errorOf(backsolve({ rtol: 1e-3, atol: 1e-3 }), loose);
    expect(error).toBeGreaterThan(1e-7);
    expect(error).toBeLessThan(1e-2);
    expect(loose[0].nfe).toBe(tight[0].nfe);
    expect(loose[1].nfe).toBeLessThan(tight[1].nfe / 2);
  });

  it('another solver, with steps of its own', () => {
    const seen: SolveStats[] = [];
    expect(errorOf(backsolve({ solver: rk4(), stepSize: 0.01 }), seen)).toBeLessThan(1e-7);
    expect(seen[1]).toMatchObject({ pass: 'backward', nfe: 800, accepted: 200 });
    expect(() => errorOf(backsolve({ solver: rk4() }))).toThrow(
      /backsolve: rk4 takes fixed steps and needs stepSize/,
    );
    expect(() => errorOf(backsolve({ stepSize: 0.1 }))).toThrow(
      /backsolve: dopri5 chooses its own steps/,
    );
  });

  it('with the seminorm off, the quadrature of the parameters steers too', () => {
    const [off, on]: SolveStats[][] = [[], []];
    errorOf(backsolve({ rtol: 1e-6, atol: 1e-9, seminorm: false }), off);
    errorOf(backsolve({ rtol: 1e-6, atol: 1e-9 }), on);
    expect(off[1].nfe).not.toBe(on[1].nfe);
  });
});

describe('a solve without a gradient method', () => {
  it('says which there are', () => {
    const loss = (y0: Tensor): Tensor => odeint((_, y) => y.neg(), y0, [0, 1]).ys.sum();
    expect(() => grad(loss).sync(tensor(1))).toThrow(
      /not told how to give one\. Pass \{ gradient: direct\(\) \}.*backsolve\(\)/,
    );
  });
});
