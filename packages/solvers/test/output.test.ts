/** What of a solve is handed back: at the steps, anywhere, or what a function makes of the state. */
import { grad, jit, jvp } from '@neuralode/autodiff';
import { reference } from '@neuralode/backend-reference';
import {
  everyStep,
  NonFiniteError,
  odeint,
  rk4,
  type Solution,
  solveIvp,
} from '@neuralode/solvers';
import { concat, memory, setBackend, type Tensor, tensor } from '@neuralode/tensor';
import { beforeEach, describe, expect, it } from 'vitest';
import { decay, part } from './problems.ts';

const turn = (_: Tensor, y: Tensor): Tensor => concat([part(y, 1), part(y, 0).neg()]);
const tight = { rtol: 1e-9, atol: 1e-9 };
let backend: Awaited<ReturnType<typeof setBackend>>;

beforeEach(async () => {
  backend = await setBackend(reference());
});

async function rowsOf(ys: Tensor): Promise<number[][]> {
  return (await ys.array()) as number[][];
}

describe('at the steps', () => {
  it('every one, every third, and no step differs', async () => {
    const y0 = tensor([1, 0]);
    const plain = await odeint(turn, y0, [0, 5]);
    const all = await odeint(turn, y0, [0, 5], { output: everyStep() });
    const third = await odeint(turn, y0, [0, 5], { output: everyStep(3) });
    expect(all.stats).toEqual(plain.stats);
    expect(plain.ts).toEqual([0, 5]);
    expect(all.ts).toHaveLength(plain.stats.accepted + 1);
    expect(all.ys.shape).toEqual([all.ts.length, 2]);
    expect(third.ts).toEqual(all.ts.filter((_, i) => i % 3 === 0 || i === all.ts.length - 1));
    const rows = await rowsOf(all.ys);
    all.ts.forEach((t, i) => {
      expect(rows[i][0]).toBeCloseTo(Math.cos(t), 4);
    });
    expect(rows.at(-1)).toEqual((await rowsOf(plain.ys)).at(-1));
  });

  it('of fixed steps, backward, of a tree, times as a tensor', async () => {
    const y0 = { a: tensor([1]), b: tensor([[2, 3]]) };
    const field = (_: Tensor, y: typeof y0): typeof y0 => ({ a: y.a.neg(), b: y.b });
    const options = { solver: rk4(), stepSize: 0.25, output: everyStep() };
    const { ts, ys } = await odeint(field, y0, tensor([1, 0]), options);
    expect(ts).toEqual([1, 0.75, 0.5, 0.25, 0]);
    expect(ys.a.shape).toEqual([5, 1]);
    expect(ys.b.shape).toEqual([5, 1, 2]);
  });

  it('is refused inside a recorded function, and with more than two times', async () => {
    const y0 = tensor([1]);
    const inside = jit((y: Tensor) => odeint(decay, y, [0, 1], { output: everyStep() }).ys);
    await expect(inside(y0)).rejects.toThrow(
      'odeint: output is not to be had inside a recorded function, where the number of steps is not known. Observe at given times, or solve outside.',
    );
    const dense = jit((y: Tensor) => odeint(decay, y, [0, 1], { dense: true }).ys);
    await expect(dense(y0)).rejects.toThrow('odeint: dense is not to be had inside a recorded');
    await expect(odeint(decay, y0, [0, 1, 2], { output: everyStep() })).rejects.toThrow(
      'odeint: with output: everyStep() the steps decide what is kept; got 3 times; expected two, the start and the end.',
    );
    const wrong = { output: 'all' } as never;
    await expect(odeint(decay, y0, [0, 1], wrong)).rejects.toThrow(
      "odeint: output is not one; got 'all'. Pass everyStep() or everyStep(n), or leave it out to observe at the times given.",
    );
  });
});

describe('a function of the state', () => {
  const energy = (_: Tensor, y: Tensor): Tensor => y.square().sum();

  it('at given times and at the steps', async () => {
    const y0 = tensor([1, 0]);
    const { ys } = await odeint(turn, y0, [0, 1, 2], { save: energy, ...tight });
    expect(ys.shape).toEqual([3]);
    for (const value of (await ys.array()) as number[]) expect(value).toBeCloseTo(1, 7);
    const steps = await odeint(turn, y0, [0, 5], {
      output: everyStep(),
      save: (t, y) => ({ t, angle: part(y, 0) }),
    });
    const times = (await steps.ys.t.array()) as number[];
    expect(times).toEqual([...steps.ts]);
    expect(steps.ys.angle.shape).toEqual([steps.ts.length, 1]);
  });

  it('inside a recorded function, with gradients through it', async () => {
    const last = (y: Tensor): Tensor =>
      odeint(decay, y, [0, 1], { save: (_, z) => z.square(), ...tight }).ys.at(-1);
    const { tangent } = await jvp(last, [tensor([3])], [tensor([1])]);
    const [value] = (await tangent.array()) as number[];
    expect(value).toBeCloseTo(6 * Math.exp(-2), 7);
  });
});

describe('anywhere', () => {
  it('between the steps, in both directions, one or many, and at what was observed', async () => {
    for (const end of [6, -6]) {
      const solution = await odeint(turn, tensor([1, 0]), [0, end / 3, end], {
        dense: true,
        ...tight,
      });
      const ts = Array.from({ length: 50 }, (_, i) => (end * i) / 49);
      const rows = await rowsOf(await solution.at(ts));
      ts.forEach((t, i) => {
        expect(rows[i][0]).toBeCloseTo(Math.cos(t), 7);
      });
      const one = solution.at.sync(end / 3);
      expect(one.shape).toEqual([2]);
      expect(one.arraySync()).toEqual((await rowsOf(solution.ys))[1]);
    }
  });

  it('inside a recorded function, at a number and at a tensor, with the derivative by the time', async () => {
    const solution = await odeint(turn, tensor([1, 0]), [0, 6], { dense: true, ...tight });
    const speed = grad((t: Tensor) => solution.at(t).at(0));
    const value = jit((y: Tensor) => solution.at(2).mul(y).sum());
    expect(await (await value(tensor([1, 0]))).item()).toBeCloseTo(Math.cos(2), 7);
    for (const t of [0, 0.3, 2.5, 5.9, 6]) {
      expect(await (await speed(tensor(t))).item()).toBeCloseTo(-Math.sin(t), 5);
      const state = solution.at.sync(tensor(t)).arraySync() as number[];
      expect(state[1]).toBeCloseTo(-Math.sin(t), 7);
    }
  });

  it('continues the first and the last step for a time that is a tensor', async () => {
    const slope = (_: Tensor, y: Tensor): Tensor => y.mul(0).add(2);
    const { at } = await odeint(slope, tensor([1]), [0, 1], { dense: true });
    for (const t of [-0.5, 1.5]) {
      expect((await (await at(tensor(t))).data())[0]).toBeCloseTo(1 + 2 * t, 12);
    }
  });

  it('takes any list of times, and refuses what is none, by both doors', async () => {
    const tensors = await odeint(decay, tensor([1]), [0, 1], { dense: true });
    const plain = solveIvp((_, y) => -y, 1, [0, 1], { dense: true });
    const typed = new Float64Array([0.25, 0.5]) as unknown as number[];
    const expected = [0.25, 0.5].map((t) => expect.closeTo(Math.exp(-t), 5));
    expect(plain.at(typed)).toEqual(expected);
    expect([...(await (await tensors.at(typed)).data())]).toEqual(expected);
    for (const [wrong, got] of [
      ['0.5', "'0.5'"],
      [null, 'null'],
      [undefined, 'undefined'],
      [[0.5, [0.1]], '[0.1]'],
    ] as const) {
      const message = `at: a time must be a number; got ${got}. Pass one, or a list of them.`;
      expect(() => plain.at(wrong as never)).toThrow(`solveIvp, ${message}`);
      await expect(tensors.at(wrong as never)).rejects.toThrow(`odeint, ${message}`);
    }
  });

  it('has nothing to evaluate where the first step fails, and says so', async () => {
    const broken = (_: Tensor, y: Tensor): Tensor => y.mul(Number.NaN);
    const options = { dense: true, throwOnFailure: false } as const;
    const none = 'at: the solve took no step that could be evaluated. Look at its failure.';
    const plain = solveIvp(() => Number.NaN, 1, [0, 1], options);
    expect(plain.failure).toBeInstanceOf(NonFiniteError);
    expect(() => plain.at(0)).toThrow(`solveIvp, ${none}`);
    const [y0, time] = [tensor([1]), tensor(0)];
    const before = memory(backend).liveBuffers;
    const tensors = await odeint(broken, y0, [0, 1], options);
    expect(tensors.failure).toBeInstanceOf(NonFiniteError);
    expect(await tensors.ys.array()).toEqual([[1]]);
    for (const t of [0, [0], time]) {
      await expect(tensors.at(t as number)).rejects.toThrow(`odeint, ${none}`);
    }
    tensors.dispose();
    expect(memory(backend).liveBuffers).toBe(before);
  });

  it('refuses what it cannot know', async () => {
    const y0 = tensor([1]);
    const plain = await odeint(decay, y0, [0, 1]);
    expect(() => plain.at(0.5)).toThrow(
      'odeint: at(t) needs the steps, which this solve did not keep. Pass { dense: true }.',
    );
    const dense = await odeint(decay, y0, [0, 1], { dense: true });
    const outside =
      'odeint, at: the solution is known from t = 0 to t = 1 only; got t = 1.5. Solve further, or evaluate inside.';
    await expect(dense.at(1.5)).rejects.toThrow(outside);
    expect(() => dense.at.sync([0.5, 1.5])).toThrow(outside);
    await expect(dense.at([])).rejects.toThrow('odeint, at: the list of times is empty.');
    await expect(dense.at(tensor([0, 1]))).rejects.toThrow(
      /^odeint, at: a time that is a tensor must be a scalar; got Tensor/,
    );
    const inside = jit((y: Tensor) => odeint(decay, y, [0, 1]).at(0.5));
    await expect(inside(y0)).rejects.toThrow(
      'A solve that is only being recorded cannot be evaluated anywhere: its steps are not known yet. Put the times into ts, or solve outside with { dense: true } and use that solution here.',
    );
    const times = jit((y: Tensor) => y.mul(odeint(decay, y, [0, 1]).ts[1]));
    await expect(times(y0)).rejects.toThrow('Use the times that you pass.');
  });
});

describe('memory', () => {
  const cases: readonly [string, (y0: Tensor) => Promise<Solution<Tensor>>][] = [
    ['plain', (y0) => odeint(turn, y0, [0, 1, 5])],
    ['every step', (y0) => odeint(turn, y0, [0, 5], { output: everyStep() })],
    ['dense', (y0) => odeint(turn, y0, [0, 5], { dense: true })],
    ['save', (y0) => odeint(turn, y0, [0, 5], { save: (_, y) => y.mul(2) })],
  ];
  it.each(cases)('nothing is left of %s after dispose', async (name, run) => {
    const y0 = tensor([1, 0]);
    const before = memory(backend).liveBuffers;
    const solution = await run(y0);
    if (name === 'dense') {
      const t = tensor(0.5);
      (await solution.at(t)).dispose();
      (await solution.at(0.7)).dispose();
      t.dispose();
    }
    expect(memory(backend).liveBuffers).toBeGreaterThan(before);
    solution.dispose();
    expect(memory(backend).liveBuffers).toBe(before);
  });

  it('nothing is left where the solve or save fails', async () => {
    const y0 = tensor([1, 0]);
    const before = memory(backend).liveBuffers;
    const options = { output: everyStep(), dense: true };
    const pole = (_: Tensor, y: Tensor): Tensor => y.square();
    await expect(odeint(pole, y0, [0, 2], options)).rejects.toThrow('step size fell');
    const save = (): never => {
      throw new RangeError('mine');
    };
    await expect(odeint(turn, y0, [0, 2], { ...options, save })).rejects.toThrow('mine');
    expect(memory(backend).liveBuffers).toBe(before);
  });
});
