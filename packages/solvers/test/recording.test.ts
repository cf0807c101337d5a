/** A solve inside a recorded function: `jit`, `evaluate`, and what it says to `grad`. */
import { grad, jit, jvp } from '@neuralode/autodiff';
import { reference } from '@neuralode/backend-reference';
import { type Field, odeint, rk4, type SolveStats } from '@neuralode/solvers';
import {
  evaluate,
  memory,
  NeuralodeError,
  RecordingError,
  setBackend,
  type Tensor,
  tensor,
} from '@neuralode/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { decay, largestDifference, solve, swirl } from './problems.ts';

beforeAll(async () => {
  await setBackend(reference());
});

const times = [0, 0.3, 1];

describe('jit', () => {
  it('gives what the plain call gives, each time', async () => {
    const solved = jit((y0: Tensor) => odeint(swirl.field, y0, times).ys);
    for (const y0 of [
      [1, 0.5],
      [-2, 1],
    ]) {
      const rows = (await (await solved(tensor(y0))).array()) as number[][];
      expect(largestDifference(rows, solve(swirl.field, y0, times).rows)).toBeLessThan(1e-15);
    }
  });

  it('tells onSolve of each run, and of each anew', async () => {
    const heard: SolveStats[] = [];
    const onSolve = (stats: SolveStats): number => heard.push(stats);
    const solved = jit((y0: Tensor) => odeint(swirl.field, y0, times, { onSolve }).ys);
    await solved(tensor([1, 0.5]));
    await solved(tensor([100, 50]));
    const plain = [
      [1, 0.5],
      [100, 50],
    ].map((y0) => solve(swirl.field, y0, times).stats);
    expect(heard).toEqual(plain);
  });

  it('leaves nothing but its result', async () => {
    const backend = await setBackend(reference());
    const solved = jit((y0: Tensor) => odeint(decay, y0, times).ys);
    const y0 = tensor([1]);
    (await solved(y0)).dispose();
    const before = memory(backend).liveBuffers;
    for (let i = 0; i < 5; i++) (await solved(y0)).dispose();
    expect(memory(backend).liveBuffers).toBe(before);
  });
});

it('a solve of a solve: the field of one may hold another', async () => {
  const inner: Field<Tensor> = (_, y) => y.neg();
  // dx/dt = e^{-1/2} x, the factor itself by a solve
  const outer: Field<Tensor> = (_, x) =>
    x.mul(odeint(inner, x.mul(0).add(1), [0, 0.5], { solver: rk4(), stepSize: 0.25 }).ys.at(1));
  const { ys } = await odeint(outer, tensor([1]), [0, 1]);
  const [, [end]] = (await ys.array()) as number[][];
  expect(end).toBeCloseTo(Math.exp(Math.exp(-0.5)), 4);
});

describe('statistics', () => {
  it('cannot be read while recording, and the error says what to do', async () => {
    const reading = async (): Promise<unknown> =>
      evaluate(() => {
        const { ys, stats } = odeint(decay, tensor([1]), times);
        return ys.mul(stats.nfe);
      });
    await expect(reading()).rejects.toThrow(RecordingError);
    await expect(reading()).rejects.toThrow(
      "A solve's statistics do not exist while it is only being recorded. Pass { onSolve: (stats) => … }, which is called each time the solve has run.",
    );
  });

  it('are not in the way of a solution that is returned whole', async () => {
    const solution = await evaluate(() => odeint(decay, tensor([1]), times));
    expect(Object.keys(solution)).toEqual(['ys']);
    expect(solution.ys.shape).toEqual([3, 1]);
  });
});

describe('derivatives', () => {
  it('in reverse need a method, and the error names them', async () => {
    const loss = (y0: Tensor): Tensor => odeint(decay, y0, times).ys.sum();
    const message =
      'odeint: a gradient is asked of a solve that was not told how to give one. Pass { gradient: direct() } (exact for the discrete solution), { gradient: checkpointed() } (the same in bounded memory) or { gradient: backsolve() } (constant memory) of @neuralode/adjoint.';
    await expect(grad(loss)(tensor([1]))).rejects.toThrow(NeuralodeError);
    await expect(grad(loss)(tensor([1]))).rejects.toThrow(message);
  });

  it('forward need none: by y0, by args and by the times', async () => {
    const rate = tensor([0.7]);
    const field: Field<Tensor, Tensor> = (_, y, k) => y.mul(k).neg();
    const tight = { rtol: 1e-10, atol: 1e-10 };
    const end = (y0: Tensor, k: Tensor, ts: Tensor): Tensor =>
      odeint(field, y0, ts, { ...tight, args: k }).ys.at(-1);
    const ones = [tensor([1]), tensor([1]), tensor([0, 0, 1])];
    const zero = [tensor([0]), tensor([0]), tensor([0, 0, 0])];
    const at = [tensor([2]), rate, tensor(times)] as const;
    // y = 2 e^{-0.7}: by y0 e^{-0.7}, by k and by t −y and −0.7 y
    const expected = [Math.exp(-0.7), -2 * Math.exp(-0.7), -1.4 * Math.exp(-0.7)];
    for (const [i, value] of expected.entries()) {
      const tangents = zero.map((each, j) => (i === j ? ones[i] : each)) as [
        Tensor,
        Tensor,
        Tensor,
      ];
      const { tangent } = (await jvp(end, [...at], tangents)) as { tangent: Tensor };
      expect((await tangent.data())[0]).toBeCloseTo(value, 8);
    }
  });
});
