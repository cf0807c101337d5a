/** Solves that fail on the way: the type, the sentence, the time named, and nothing left on the device. */
import {
  dopri5,
  euler,
  type Field,
  MaxStepsError,
  midpoint,
  NonFiniteError,
  type OdeintOptions,
  odeint,
  rk4,
  SolveError,
  StepSizeError,
} from '@neuralode/solvers';
import { reference } from '@neuralode/backend-reference';
import { type Backend, memory, setBackend, type Tensor, tensor, where } from '@neuralode/tensor';
import { describe, expect, it } from 'vitest';
import { decay, liveBuffersLeft, vanDerPol } from './problems.ts';

type Options = OdeintOptions<undefined>;

interface Failure {
  readonly name: string;
  readonly field: Field<Tensor>;
  readonly y0?: number;
  readonly times?: readonly number[];
  readonly options?: Options;
  readonly type: new (...args: never[]) => SolveError;
  readonly message: RegExp;
  /** The time that the error must name, and how nearly. */
  readonly time: readonly [number, number];
}

const rk4Steps: Options = { solver: rk4(), stepSize: 0.1 };
const remedy =
  'Check the field for divisions, logarithms and growth at that time; or use smaller steps or tighter tolerances\\.$';

/** −y, but NaN after `limit` in time. */
const brokenAfter =
  (limit: number): Field<Tensor> =>
  (t, y) =>
    where(t.greater(limit), Number.NaN, y.neg());

const failures: readonly Failure[] = [
  {
    name: 'a state of NaN, adaptive',
    field: decay,
    y0: Number.NaN,
    type: NonFiniteError,
    message: /^odeint: the initial state is not finite at t = 0\. Check y0\.$/,
    time: [0, 0],
  },
  {
    name: 'a state of NaN, fixed',
    field: decay,
    y0: Number.NaN,
    options: rk4Steps,
    type: NonFiniteError,
    message: /^odeint: the initial state is not finite at t = 0\. /,
    time: [0, 0],
  },
  {
    name: 'an infinite state',
    field: (_, y) => y.mul(0).add(1),
    y0: Number.POSITIVE_INFINITY,
    type: NonFiniteError,
    message: /^odeint: the initial state is not finite at t = 0\. /,
    time: [0, 0],
  },
  {
    name: 'a field of NaN at the start, adaptive',
    field: (t, y) => y.mul(t.sub(1).log()),
    times: [0.5, 2],
    type: NonFiniteError,
    message: new RegExp(`^odeint: the field is not finite at t = 0\\.5\\. ${remedy}`),
    time: [0.5, 0],
  },
  {
    name: 'the same with a first step',
    field: (t, y) => y.mul(t.sub(1).log()),
    times: [0.5, 2],
    options: { firstStep: 0.1 },
    type: NonFiniteError,
    message: /^odeint: the field or the state is not finite at t = 0\.5\. /,
    time: [0.5, 0],
  },
  {
    name: 'a field of NaN right after the start at 0',
    field: brokenAfter(0),
    type: NonFiniteError,
    message: /^odeint: the field or the state is not finite at t = 0\. /,
    time: [0, 0],
  },
  {
    name: 'a field of NaN at the start, fixed',
    field: (t, y) => y.mul(t.sub(1).log()),
    times: [0.5, 2],
    options: rk4Steps,
    type: NonFiniteError,
    message: new RegExp(
      `^odeint: the field or the state is not finite after the step from t = 0\\.5, at t = 0\\.6\\. ${remedy}`,
    ),
    time: [0.6, 1e-15],
  },
  {
    name: 'a field of NaN later, adaptive',
    field: brokenAfter(0.7123),
    type: NonFiniteError,
    message: /^odeint: the field or the state is not finite at t = 0\.712/,
    time: [0.7123, 1e-9],
  },
  {
    name: 'a field of NaN later, backward in time',
    field: (t, y) => where(t.less(-0.7123), Number.NaN, y.neg()),
    times: [0, -1],
    type: NonFiniteError,
    message: /^odeint: the field or the state is not finite at t = -0\.712/,
    time: [-0.7123, 1e-9],
  },
  {
    name: 'a field of NaN later, rk4',
    field: brokenAfter(0.7123),
    options: rk4Steps,
    type: NonFiniteError,
    message: /after the step from t = 0\.7\d*, at t = 0\.8\./,
    time: [0.8, 1e-15],
  },
  {
    name: 'a field of NaN after many steps, euler',
    field: brokenAfter(7.123),
    times: [0, 5, 10],
    options: { solver: euler(), stepSize: 0.03125 },
    type: NonFiniteError,
    message: /after the step from t = 7\.125, at t = 7\.15625\./,
    time: [7.15625, 0],
  },
  {
    name: 'a state that overflows while its rate does not',
    // knows nothing of the state, so no stage shows it; and an infinite scale makes any error none
    field: (t) => t.mul(0).add(1e306).broadcastTo([2]),
    y0: 1.79e308,
    times: [0, 4],
    type: NonFiniteError,
    message: /^odeint: the state is not finite at t = 4\. /,
    time: [4, 0],
  },
  {
    name: 'a blow-up, past its pole',
    field: (_, y) => y.square(),
    times: [0, 2],
    type: StepSizeError,
    message:
      /^odeint: step size fell to \d\.\de-1[0-9] at t = (1\.00000|0\.99999)\d* \(rtol 0\.000001, atol 1e-8 in float64 cannot be met\)\. Loosen rtol and atol, run in float64, or check the field for a discontinuity or a blow-up there\.$/,
    time: [1, 1e-5],
  },
  {
    name: 'a blow-up in fixed steps',
    field: (_, y) => y.square(),
    times: [0, 2],
    options: rk4Steps,
    type: NonFiniteError,
    message: /^odeint: the field or the state is not finite after the step/,
    time: [1.3, 0.3],
  },
  {
    name: 'a singularity',
    field: (t, y) => y.mul(0).add(t.sub(0.5).square().pow(-1)),
    type: SolveError,
    message: /^odeint: /,
    time: [0.5, 1e-6],
  },
  {
    name: 'too many steps, adaptive',
    field: vanDerPol(20),
    times: [0, 40],
    options: { maxSteps: 50 },
    type: MaxStepsError,
    message:
      /^odeint: 50 steps got only as far as t = \d\.\d+ on the way to t = 40\. Raise maxSteps, loosen rtol and atol, or use a larger stepSize; a stiff field needs an implicit method\.$/,
    time: [20, 20],
  },
  {
    name: 'too many steps, fixed',
    field: decay,
    times: [0, 1],
    options: { solver: midpoint(), stepSize: 0.125, maxSteps: 4 },
    type: MaxStepsError,
    message: /^odeint: 4 steps got only as far as t = 0\.5 on the way to t = 1\. /,
    time: [0.5, 0],
  },
];

const kinds: Record<string, string> = {
  NonFiniteError: 'non-finite',
  StepSizeError: 'step-size-vanished',
  MaxStepsError: 'max-steps-reached',
};

describe.each(failures)('$name', (failure) => {
  const { field, y0 = 1, times = [0, 1], options = {}, type, message, time } = failure;
  const start = [y0, y0];

  it.each([
    ['awaited', async (y: Tensor) => odeint(field, y, times, options)],
    ['sync', async (y: Tensor) => odeint.sync(field, y, times, options)],
    ['with times as a tensor', async (y: Tensor) => withTensorOfTimes(field, y, times, options)],
  ])('%s', async (_, solving) => {
    const { left, error } = await liveBuffersLeft(start, solving);
    expect(error).toBeInstanceOf(type);
    const failed = error as SolveError;
    expect(failed.message).toMatch(message);
    expect(Math.abs(failed.time - time[0])).toBeLessThanOrEqual(time[1]);
    expect(failed.status).toBe(kinds[failed.name]);
    expect(failed.pass).toBe('forward');
    expect(left).toBe(0);
  });
});

async function withTensorOfTimes(
  field: Field<Tensor>,
  y0: Tensor,
  times: readonly number[],
  options: Options,
): Promise<{ ys: Tensor }> {
  const ts = tensor([...times]);
  try {
    return await odeint(field, y0, ts, options);
  } finally {
    ts.dispose();
  }
}

describe('attempts before a failure is admitted', () => {
  /** Evaluations of the field, as sines that the device ran. */
  async function evaluations(times: readonly number[], field: Field<Tensor>): Promise<number> {
    const backend: Backend = reference();
    const { run } = backend;
    let count = 0;
    backend.run = (primitive, ...rest) => {
      if (primitive === 'sin') count++;
      return run(primitive, ...rest);
    };
    await setBackend(backend);
    await expect(odeint(field, tensor([1]), times)).rejects.toThrow(NonFiniteError);
    return count;
  }
  const broken =
    (limit: number): Field<Tensor> =>
    (t, y) =>
      where(t.greater(limit), Number.NaN, y.sin());

  it.each([
    [0, [0, 1], 90],
    [0, [0, 1e12], 90],
    [0, [0, 1e-12], 90],
    [0.7, [0, 1], 90],
    [0, [-1, 1], 200],
  ] as const)('NaN past t = %d in %j', async (limit, times, attempts) => {
    // 16 digits (32 at t = 0) at a factor of 5 each, and some to get there
    expect(await evaluations(times, broken(limit))).toBeLessThan(6 * attempts);
  });
});

describe('nothing is left on the device', () => {
  const tries: readonly [string, Options, readonly number[]][] = [
    ['dopri5', { solver: dopri5() }, [0, 0.3, 1]],
    ['dopri5 backward', {}, [1, 0.3, 0]],
    ['dopri5 with a first step', { firstStep: 0.1 }, [0, 1]],
    ['rk4', rk4Steps, [0, 0.3, 0.35, 1]],
    ['euler, many steps', { solver: euler(), stepSize: 1 / 64 }, [0, 0.3, 1]],
  ];
  it.each(tries)('after a success: %s', async (_, options, times) => {
    const { left, error } = await liveBuffersLeft([1, 2], (y0) =>
      odeint(decay, y0, times, options),
    );
    expect(error).toBeUndefined();
    expect(left).toBe(0);
  });

  it('after a refusal', async () => {
    const refused: readonly Field<Tensor>[] = [(_, y) => y.sum(), (_, y) => y.cast('float32')];
    for (const field of refused) {
      const { left, error } = await liveBuffersLeft([1, 2], (y0) => odeint(field, y0, [0, 1]));
      expect(error).toBeDefined();
      expect(left).toBe(0);
    }
  });

  it('after an onSolve that throws', async () => {
    const onSolve = (): never => {
      throw new Error('mine');
    };
    const { left, error } = await liveBuffersLeft([1], (y0) =>
      odeint(decay, y0, [0, 1], { onSolve }),
    );
    expect((error as Error).message).toBe('mine');
    expect(left).toBe(0);
  });

  it('after a kernel or an upload that fails, whichever it is', async () => {
    for (let failing = 1; failing < 90; failing++) {
      const backend: Backend = reference();
      await setBackend(backend);
      const y0 = tensor([1, 2]);
      const before = memory(backend).liveBuffers;
      failAtCall(backend, failing);
      await expect(odeint(decay, y0, [0, 0.4, 1], { rtol: 1e-3 })).rejects.toThrow('out of memory');
      expect(memory(backend).liveBuffers, `call ${failing}`).toBe(before);
      expect(y0.disposed).toBe(false);
    }
  });
});

/** Makes the n-th upload or kernel from now fail. */
function failAtCall(backend: Backend, n: number): void {
  const { run, upload } = backend;
  let calls = 0;
  const count = (): void => {
    if (++calls === n) throw new Error('out of memory');
  };
  backend.run = (...args) => {
    count();
    return run(...args);
  };
  backend.upload = (...args) => {
    count();
    return upload(...args);
  };
}
