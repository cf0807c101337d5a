/** Step-size control by options: controllers, norms, limits, times to land on, reports and signals; by both doors. */
import { jit } from '@neuralode/autodiff';
import { reference } from '@neuralode/backend-reference';
import {
  AbortedError,
  MaxStepsError,
  StepSizeError,
  controllerFor,
  dopri5,
  elementary,
  everyStep,
  gustafssonPI,
  gustafssonPredictive,
  h211PI,
  h211b,
  h312PID,
  h312b,
  h321,
  hairerPI,
  maxNorm,
  odeint,
  perLeafNorm,
  pi33,
  pi42,
  pidController,
  radau5,
  rk4,
  rmsNorm,
  solveIvp,
  stepFactor,
  tsit5,
  type ControllerGains,
  type SolveStats,
  type StepReport,
} from '@neuralode/solvers';
import { concat, memory, setBackend, type Tensor, tensor, where } from '@neuralode/tensor';
import { beforeEach, describe, expect, it } from 'vitest';
import { decay, part, solve, vanDerPol } from './problems.ts';

let backend: Awaited<ReturnType<typeof setBackend>>;
beforeEach(async () => {
  backend = await setBackend(reference());
});

const vdp = (_: number, [x, v]: Float64Array): number[] => [v, 5 * (1 - x * x) * v - x];

describe('controllers', () => {
  const all: readonly (() => ControllerGains)[] = [
    gustafssonPI,
    gustafssonPredictive,
    hairerPI,
    pi33,
    pi42,
    h211PI,
    h211b,
    h312PID,
    h312b,
    h321,
    () => pidController({ p: 0.4, i: 0.3, d: 0.1 }),
  ];

  it.each(all.map((make) => [make().name, make] as const))(
    '%s changes the steps, meets the tolerance, and steers both doors alike',
    (_, make) => {
      const options = { rtol: 1e-6, atol: 1e-8, controller: make() };
      const plain = solveIvp(vdp, [2, 0], [0, 10], options);
      expect(plain.stats.accepted).not.toBe(
        solveIvp(vdp, [2, 0], [0, 10], { ...options, controller: elementary() }).stats.accepted,
      );
      const { stats, rows } = solve(vanDerPol(5), [2, 0], [0, 10], options);
      expect(stats).toEqual(plain.stats);
      const exact = solveIvp(vdp, [2, 0], [0, 10], { rtol: 1e-12, atol: 1e-12 });
      expect(rows[1][0]).toBeCloseTo(exact.ys[1][0], 3);
    },
  );

  it.each([
    ['dopri5: of its author’s code', dopri5(), hairerPI()],
    ['another explicit method: the elementary one', tsit5(), elementary()],
    ['an implicit one: the predictive one', radau5(), gustafssonPredictive()],
  ])('default of %s', (_, solver, controller) => {
    const chosen = solve(vanDerPol(5), [2, 0], [0, 10], { solver, controller }).stats;
    expect(solve(vanDerPol(5), [2, 0], [0, 10], { solver }).stats).toEqual(chosen);
    const other = solver === dopri5() ? elementary() : hairerPI();
    const changed = solve(vanDerPol(5), [2, 0], [0, 10], { solver, controller: other }).stats;
    expect(changed.accepted).not.toBe(chosen.accepted);
  });

  it('uses every gain: errors two back, and ratios of steps', () => {
    const factor = (
      gains: ControllerGains,
      errors: [number, number, number],
      ratios: [number, number],
    ): number =>
      stepFactor(controllerFor(gains, 4), errors[0], errors[1], { olderError: errors[2], ratios });
    expect(factor(h312b(), [0.5, 0.25, 0.125], [2, 4])).toBeCloseTo(
      0.9 *
        0.5 ** (-1 / 40) *
        0.25 ** (-2 / 40) *
        0.125 ** (-1 / 40) *
        2 ** (-3 / 8) *
        4 ** (-1 / 8),
      12,
    );
    expect(factor(gustafssonPI(), [0.5, 0.25, 0.1], [2, 2])).toBeCloseTo(
      0.9 * 0.5 ** -0.14 * 0.25 ** 0.08,
      12,
    );
    // the filters leave a steady state alone: their gains of errors add up to those of a stable loop
    for (const make of [h211PI, h211b, h312PID, h312b]) {
      expect(factor(make(), [1, 1, 1], [1, 1])).toBeCloseTo(0.9, 12);
    }
  });
});

it('the filters have the poles that they were designed for', () => {
  // (q − 1)(q² + α₂ q + α₃) + β₁ q² + β₂ q + β₃, the closed loop of Söderlind 2003
  const loop = ({ errors, ratios = [] }: ControllerGains, q: number): number => {
    const [b1, b2 = 0, b3 = 0] = errors;
    const [a2 = 0, a3 = 0] = ratios;
    return (q - 1) * (q * q + a2 * q + a3) + b1 * q * q + b2 * q + b3;
  };
  const poles: readonly [ControllerGains, number[]][] = [
    [h211b(), [0, 1 / 2]],
    [h312b(), [0, 1 / 2]],
    [h321(), [1 / 3, 1 / 2, 2 / 3]],
  ];
  for (const [gains, roots] of poles) {
    for (const q of roots) expect(loop(gains, q)).toBeCloseTo(0, 14);
  }
});

describe('norms', () => {
  const y0 = [1, 1e-3, 1e-3, 1e-3];
  const rates = [-30, -1, -1, -1];
  const field = (_: number, y: Float64Array): number[] => rates.map((rate, i) => rate * y[i]);
  const count = (options: object): number => solveIvp(field, y0, [0, 1], options).stats.accepted;

  it('the largest element asks for more steps than the mean, as by the other door', () => {
    const tensors = (norm: object): SolveStats =>
      solve((_, y) => y.mul(tensor(rates)), y0, [0, 1], { norm } as never).stats;
    expect(count({ norm: rmsNorm() })).toBe(count({}));
    expect(count({ norm: maxNorm() })).toBeGreaterThan(count({}));
    expect(tensors(maxNorm()).accepted).toBe(count({ norm: maxNorm() }));
  });

  it('by leaf: a small one is not outvoted', async () => {
    const state = { few: tensor([1]), many: tensor(new Float64Array(99)) };
    const tree = (_: Tensor, y: typeof state): typeof state => ({
      few: y.few.mul(-30),
      many: y.many.mul(-1),
    });
    const accepted = async (options: object): Promise<number> =>
      (await odeint(tree, state, [0, 1], options)).stats.accepted;
    expect(await accepted({ norm: perLeafNorm() })).toBeGreaterThan(await accepted({}));
    const few = (errors: typeof state): Tensor => errors.few.abs().max();
    expect(await accepted({ norm: few })).toBe(await accepted({ norm: perLeafNorm() }));
  });

  it('of one’s own; what is not one is refused', async () => {
    const first = (errors: Float64Array): number => Math.abs(errors[0]);
    expect(count({ norm: first })).toBe(count({ norm: maxNorm() }));
    expect(count({ norm: () => 0.5 })).toBeLessThan(count({}));
    const weights = tensor([1]);
    const scalar =
      'odeint: norm must make one scalar tensor of the errors and of plain numbers alone; got ';
    const run = (norm: (y: Tensor) => Tensor): unknown =>
      odeint.sync(decay, tensor([1]), [0, 1], { norm });
    expect(() => run((y) => y)).toThrow(`${scalar}[1].`);
    expect(() => run((y) => y.mul(weights).sum())).toThrow(
      `${scalar}one that uses a tensor from outside.`,
    );
    expect(() => solveIvp(field, y0, [0, 1], { norm: 'max' } as never)).toThrow(
      "solveIvp: norm is not one; got 'max'. Pass rmsNorm(), maxNorm(), perLeafNorm() or a function.",
    );
  });

  it('sees what is not finite, whatever the norm', async () => {
    const broken = (t: Tensor, y: Tensor): Tensor => where(t.greater(0.5), Number.NaN, y.neg());
    for (const norm of [maxNorm(), perLeafNorm(), (y: Tensor) => y.mul(0).sum()]) {
      await expect(odeint(broken, tensor([1, 1]), [0, 1], { norm })).rejects.toThrow('not finite');
    }
  });
});

describe('limits', () => {
  it('minStep: one shorter fails, one no shorter does not', () => {
    const run = (options: object): unknown => solveIvp((_, y) => y * y, 1, [0, 2], options);
    expect(() => run({ minStep: 1e-3 })).toThrow(StepSizeError);
    expect(() => run({ minStep: 1e-3 })).toThrow(/at t = 0\.9[0-9]/);
    const odeintRun = (): unknown =>
      solve((_, y) => y.square(), [1], [0, 2], { minStep: 1e-3 } as never);
    expect(odeintRun).toThrow(StepSizeError);
    const smooth = solveIvp((_, y) => -y, 1, [0, 1], { minStep: 0.01 });
    expect(smooth.ys[1]).toBeCloseTo(Math.exp(-1), 4);
    expect(() => run({ minStep: 0.1, maxStep: 0.01 })).toThrow(
      'solveIvp: minStep is longer than maxStep; got 0.1 and 0.01.',
    );
    expect(() => run({ minStep: 0 })).toThrow(
      'solveIvp: minStep must be a positive number; got 0.',
    );
    expect(() => run({ solver: rk4(), stepSize: 0.1, minStep: 0.1 })).toThrow(
      'solveIvp: rk4 takes fixed steps and has no use for minStep.',
    );
  });

  it('a tolerance finer than the dtype holds', async () => {
    await expect(odeint(decay, tensor([1]), [0, 1], { rtol: 1e-16 })).rejects.toThrow(
      'odeint: rtol is finer than float64 can hold; got 1e-16; expected at least 1.1e-16. For a purely absolute tolerance pass 1e-15, which adds nothing to it.',
    );
    const single = tensor([1], { dtype: 'float32' });
    await expect(odeint(decay, single, [0, 1], { rtol: 1e-9 })).rejects.toThrow(
      'odeint: rtol is finer than float32 can hold; got 1e-9; expected at least 6.0e-8. Run in float64, or pass 1e-6; beside a purely absolute tolerance it adds little more than rounding.',
    );
    expect(() => solveIvp(vdp, [1, 1], [0, 1], { rtol: 1e-17 })).toThrow('finer than float64');
    // what torchdiffeq does by default in float32 is not
    const { stats } = await odeint(decay, single, [0, 1], { rtol: 1e-7, atol: 1e-9 });
    expect(stats.status).toBe('success');
  });
});

describe('reports and signals', () => {
  it('onStep tells of each attempt, by both doors alike', async () => {
    const lists = [[], []] as StepReport[][];
    const options = (list: StepReport[]): object => ({
      onStep: (step: StepReport) => list.push(step),
    });
    const { stats } = solveIvp(vdp, [2, 0], [0, 5], options(lists[0]));
    solve(vanDerPol(5), [2, 0], [0, 5], options(lists[1]) as never);
    expect(lists[0].filter(({ accepted }) => accepted)).toHaveLength(stats.accepted);
    expect(lists[0].filter(({ accepted }) => !accepted)).toHaveLength(stats.rejected);
    expect(stats.rejected).toBeGreaterThan(0);
    expect(lists[0].at(-1)).toMatchObject({ t: 5, fraction: 1, accepted: true });
    expect(lists[1].map(({ accepted }) => accepted)).toEqual(
      lists[0].map(({ accepted }) => accepted),
    );
    const inside: number[] = [];
    const run = jit(
      (y: Tensor) => odeint(decay, y, [0, 1], { onStep: ({ t }) => inside.push(t) }).ys,
    );
    await run(tensor([1]));
    expect(inside.at(-1)).toBe(1);
  });

  it('a signal stops a solve that runs, and nothing is left', async () => {
    const y0 = tensor([1, 0]);
    const before = memory(backend).liveBuffers;
    const controller = new AbortController();
    const statuses: string[] = [];
    let began = false;
    const run = odeint((_, y) => concat([part(y, 1), part(y, 0).neg()]), y0, [0, 1e6], {
      signal: controller.signal,
      // a timer set before the first step would, on a busy machine, end before it too
      onStep: () => {
        if (!began) setTimeout(() => controller.abort(new Error('enough')), 50);
        began = true;
      },
      output: everyStep(),
      dense: true,
      maxSteps: 1e9,
      onSolve: ({ status }) => statuses.push(status),
    });
    const error = (await run.catch((each: unknown) => each)) as AbortedError;
    expect(error).toBeInstanceOf(AbortedError);
    expect(error.status).toBe('aborted');
    expect(error.message).toBe(`odeint: stopped by its signal at t = ${error.time}.`);
    expect(error.time).toBeGreaterThan(0);
    expect((error.cause as Error).message).toBe('enough');
    expect(statuses).toEqual(['aborted']);
    expect(memory(backend).liveBuffers).toBe(before);
  });

  it('one already given stops before the first step; onStep may give it', () => {
    expect(() => solveIvp(vdp, [2, 0], [0, 1], { signal: AbortSignal.abort() })).toThrow(
      'solveIvp: stopped by its signal at t = 0.',
    );
    const controller = new AbortController();
    const onStep = ({ t }: StepReport): void => {
      if (t > 0.5) controller.abort();
    };
    const { failure, ts } = solveIvp(vdp, [2, 0], [0, 5], {
      signal: controller.signal,
      onStep,
      throwOnFailure: false,
      output: everyStep(),
    });
    expect(failure?.status).toBe('aborted');
    expect(ts.at(-1)).toBe(failure?.time);
    expect(() => solveIvp(vdp, [2, 0], [0, 1], { signal: 'no' } as never)).toThrow(
      "solveIvp: signal must be an AbortSignal; got 'no'. Pass the .signal of a new AbortController().",
    );
    expect(() => solveIvp(vdp, [2, 0], [0, 1], { onStep: 1 } as never)).toThrow(
      'solveIvp: onStep must be a function; got 1.',
    );
  });
});

describe('failure as a result', () => {
  it('has what there is, the status and the error; nothing is left', async () => {
    const y0 = tensor([1]);
    const before = memory(backend).liveBuffers;
    const pole = (_: Tensor, y: Tensor): Tensor => y.square();
    const statuses: string[] = [];
    const solution = await odeint(pole, y0, [0, 0.5, 0.9, 1.5, 2], {
      throwOnFailure: false,
      dense: true,
      onSolve: ({ status }) => statuses.push(status),
    });
    expect(solution.failure).toBeInstanceOf(StepSizeError);
    expect(solution.stats.status).toBe('step-size-vanished');
    expect(statuses).toEqual(['step-size-vanished']);
    expect(solution.ts).toEqual([0, 0.5, 0.9]);
    const rows = (await solution.ys.array()) as number[][];
    expect(rows).toHaveLength(3);
    expect(rows[2][0]).toBeCloseTo(10, 3);
    const state = solution.at.sync(0.75);
    expect(state.arraySync()).toEqual([expect.closeTo(4, 4)]);
    state.dispose();
    solution.dispose();
    expect(memory(backend).liveBuffers).toBe(before);

    const plain = solveIvp((_, y) => y * y, 1, [0, 0.5, 0.9, 1.5, 2], { throwOnFailure: false });
    expect(plain.ts).toEqual([0, 0.5, 0.9]);
    expect(plain.failure).toBeInstanceOf(StepSizeError);
    expect(plain.stats.status).toBe('step-size-vanished');
  });

  it('leaves out what was not sound any more, where that is noticed late', async () => {
    const broken = (t: Tensor, y: Tensor): Tensor => where(t.greater(0.55), Number.NaN, y.neg());
    const ts = Array.from({ length: 11 }, (_, i) => i / 10);
    const { ys, ts: kept } = await odeint(broken, tensor([1]), ts, {
      solver: rk4(),
      stepSize: 0.1,
      throwOnFailure: false,
    });
    expect(kept.at(-1)).toBeCloseTo(0.5, 12);
    expect(((await ys.array()) as number[][]).flat().every(Number.isFinite)).toBe(true);
  });

  it('is no result without being asked for, nor inside a recorded function', async () => {
    const y0 = tensor([1]);
    await expect(odeint(decay, y0, [0, 1], { maxSteps: 1 })).rejects.toThrow(MaxStepsError);
    const run = jit((y: Tensor) => odeint(decay, y, [0, 1], { throwOnFailure: false }).ys);
    await expect(run(y0)).rejects.toThrow(
      'odeint: throwOnFailure: false is for solves outside of a recorded function, whose results have fixed shapes. Leave it out, and catch the error where the function runs.',
    );
  });
});

describe('options that do not exist', () => {
  const refused: readonly [object, string][] = [
    [{ rTol: 1e-3 }, 'odeint: there is no option rTol. Did you mean rtol?'],
    [{ maxstep: 1 }, 'odeint: there is no option maxstep. Did you mean maxStep?'],
    [{ method: 'rk4' }, 'odeint: there is no option method. Did you mean solver?'],
    [{ step_size: 1 }, 'odeint: there is no option step_size. Did you mean stepSize?'],
    [{ gradeint: 1 }, 'odeint: there is no option gradeint. Did you mean gradient?'],
  ];
  it.each(refused)('%j', async (options, message) => {
    await expect(odeint(decay, tensor([1]), [0, 1], options)).rejects.toThrow(message);
  });

  it('nor for the other door; undefined ones are as if left out', () => {
    expect(() => solveIvp(vdp, [1, 1], [0, 1], { save: 1 } as never)).toThrow(
      'solveIvp: there is no option save. There are solver, maxSteps,',
    );
    expect(solveIvp(vdp, [1, 1], [0, 1], { save: undefined } as never).stats.status).toBe(
      'success',
    );
  });
});
