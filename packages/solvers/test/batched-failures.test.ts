/** Batched solves that are refused or fail: the sentence, the row that it names, and nothing left on the device. */
import { reference } from '@neuralode/backend-reference';
import {
  euler,
  everyStep,
  type Field,
  MaxStepsError,
  maxNorm,
  NonFiniteError,
  type OdeintOptions,
  odeint,
  radau5,
  rk4,
  rmsNorm,
  type SolveError,
  type SolveStats,
  StepSizeError,
} from '@neuralode/solvers';
import { ArgumentError, memory, setBackend, type Tensor, tensor, where } from '@neuralode/tensor';
import { beforeAll, describe, expect, it } from 'vitest';

type Options = OdeintOptions<undefined>;

beforeAll(async () => {
  await setBackend(reference());
});

/** Decay; but what `value` gives in row 2 after t = 0.5. */
const spoilt =
  (value: (y: Tensor) => Tensor | number): Field<Tensor> =>
  (t, y) => {
    const here = tensor([false, false, true, false]).logicalAnd(t.greater(0.5));
    return where(here.reshape([4, 1]), value(y), y.neg());
  };

const y0 = [[1], [2], [3], [4]];
const times = [
  [0, 1],
  [0, 0.3],
  [0, 1],
  [0.1, 5],
];

describe('a failing row is named', () => {
  it.each<[string, Field<Tensor>, Options, new (...args: never[]) => SolveError, RegExp]>([
    [
      'a field of NaN',
      spoilt(() => Number.NaN),
      {},
      NonFiniteError,
      /^odeint: row 2: the field or the state is not finite at t = 0\.(5|4999)/,
    ],
    [
      'a field of NaN, fixed steps',
      spoilt(() => Number.NaN),
      { solver: rk4(), stepSize: 0.1 },
      NonFiniteError,
      /^odeint: row 2: the field or the state is not finite after the step from t = /,
    ],
    [
      'a pole',
      spoilt((y) => y.square().mul(30)),
      {},
      StepSizeError,
      /^odeint: row 2: step size fell to .* at t = 0\.5/,
    ],
    [
      'too many steps',
      spoilt((y) => y.mul(-1e6)),
      { maxSteps: 100 },
      MaxStepsError,
      /^odeint: row 2: 100 steps got only as far as t = 0\.5/,
    ],
    [
      'too many fixed steps',
      spoilt((y) => y.neg()),
      { solver: euler(), stepSize: 0.1, maxSteps: 20 },
      MaxStepsError,
      /^odeint: row 3: 20 steps got only as far as t = 2\.1/,
    ],
  ])('%s', async (_, field, options, type, message) => {
    const backend = await setBackend(reference());
    const start = tensor(y0);
    const before = memory(backend).liveBuffers;
    let error: SolveError | undefined;
    try {
      odeint.sync(field, start, times, { ...options, batched: true });
    } catch (thrown) {
      error = thrown as SolveError;
    }
    expect(error).toBeInstanceOf(type);
    expect(error?.message).toMatch(message);
    expect(error?.row).toBe(Number(/row (\d)/.exec(String(error?.message))?.[1]));
    // the field's own constant
    expect(memory(backend).liveBuffers - before).toBe(1);
  });

  it('a state of NaN', () => {
    const start = tensor([[1], [Number.NaN]]);
    const decay: Field<Tensor> = (_, y) => y.neg();
    for (const options of [{}, { solver: rk4(), stepSize: 0.1 }] as Options[]) {
      expect(() => odeint.sync(decay, start, [0, 1], { ...options, batched: true })).toThrow(
        /^odeint: row 1: the initial state is not finite at t = 0/,
      );
    }
  });
});

it('a row that is done is not asked to be finite', () => {
  // beyond its end, row 0 would meet a pole
  const field: Field<Tensor> = (t, y) => {
    const grows = where(t.greater(1).expandDims(1), Number.NaN, y);
    return where(tensor([true, false]).expandDims(1), grows, y.neg());
  };
  const ts = [
    [0, 1],
    [0, 9],
  ];
  const { ys } = odeint.sync(field, tensor([[1], [1]]), ts, { batched: true, rtol: 1e-9 });
  expect(ys.at(1).at(0).itemSync()).toBeCloseTo(Math.E, 7);
  expect(ys.at(1).at(1).itemSync()).toBeCloseTo(Math.exp(-9), 7);
});

describe('is refused', () => {
  const decay: Field<Tensor> = (_, y) => y.neg();
  const start = (): Tensor => tensor(y0);
  const solve = (ts: unknown, y: Tensor = start(), batched = true): unknown =>
    odeint.sync(decay, y, ts as number[], { batched });

  it.each<[string, () => unknown, RegExp]>([
    ['a state without rows', () => solve([0, 1], tensor(1)), /leading axis of rows.* got \[\]/],
    [
      'leaves of different numbers of rows',
      () =>
        odeint.sync((_, y) => y, [tensor([1]), tensor([1, 2])] as const, [0, 1], { batched: true }),
      /leading axis of rows, all of one extent.* got \[1\], \[2\]/,
    ],
    [
      'too few lists of times',
      () => solve([[0, 1]]),
      /one list of times a row.* 1 lists for 4 rows/,
    ],
    [
      'rows of different numbers of times',
      () =>
        solve([
          [0, 1],
          [0, 1],
          [0, 1, 2],
          [0, 1],
        ]),
      /different numbers of times.* 2 in row 0 and 3 in row 2/,
    ],
    [
      'times that turn',
      () =>
        solve([
          [0, 1, 2],
          [0, 1, 2],
          [0, 2, 1],
          [0, 1, 2],
        ]),
      /times of row 2 must be strictly increasing/,
    ],
    [
      'two directions',
      () =>
        solve([
          [0, 1],
          [0, 1],
          [0, 1],
          [1, 0],
        ]),
      /one direction.* row 0 and row 3/,
    ],
    [
      'a tensor of other rows',
      () =>
        solve(
          tensor([
            [0, 1],
            [0, 1],
          ]),
        ),
      /\[T\] or \[B, T\].*\[4, T\]/,
    ],
    [
      'an implicit method',
      () => odeint.sync(decay, start(), [0, 1], { batched: true, solver: radau5() }),
      /radau5 is implicit, and a batched solve takes explicit Runge-Kutta methods.*dopri5/,
    ],
    [
      'rows of times without batched',
      () => solve(times, start(), false),
      /Pass \{ batched: true \}/,
    ],
  ])('%s', (_, call, message) => {
    expect(call).toThrow(ArgumentError);
    expect(call).toThrow(message);
  });

  it.each([
    ['events', { events: { when: (_: Tensor, y: Tensor) => y.sum() } }],
    ['output', { output: everyStep() }],
    ['dense', { dense: true }],
    ['save', { save: (_: Tensor, y: Tensor) => y }],
    ['throwOnFailure', { throwOnFailure: false }],
    ['stepAt', { stepAt: [0.5] }],
    ['jumpAt', { jumpAt: [0.5] }],
    ['onStep', { onStep: () => {} }],
    ['signal', { signal: new AbortController().signal }],
  ])('%s', (name, options) => {
    const call = () => odeint.sync(decay, start(), [0, 1], { batched: true, ...options });
    expect(call).toThrow(ArgumentError);
    expect(call).toThrow(
      `odeint: a batched solve does not take ${name}. Leave it out, or leave batched out, for one solve with common steps.`,
    );
  });

  it('a norm, but the one that it has', () => {
    const call = (norm: OdeintOptions<undefined>['norm']) =>
      odeint.sync(decay, start(), [0, 1], { batched: true, norm } as Options);
    expect(() => call(maxNorm())).toThrow(ArgumentError);
    expect(() => call(maxNorm())).toThrow(
      'odeint: in a batched solve the norm is the RMS of each row. Leave norm out,',
    );
    expect(() => call(((y: Tensor) => y.abs().max()) as never)).toThrow('the RMS of each row');
    const plain = odeint.sync(decay, start(), [0, 1], { batched: true });
    expect(call(rmsNorm()).stats).toEqual(plain.stats);
  });

  it('times in a tensor that turn, once they are read', () => {
    expect(() =>
      solve(
        tensor([
          [0, 1],
          [0, 1],
          [1, 1],
          [0, 1],
        ]),
      ),
    ).toThrow(/times of row 2/);
  });
});

describe('resources', () => {
  it('leaves nothing on the device but its result', async () => {
    const backend = await setBackend(reference());
    const start = tensor(y0);
    const ts = times.map(([a, b]) => [a, a + 0.1 * (b - a), a + 0.11 * (b - a), b]);
    for (const options of [{}, { solver: rk4(), stepSize: 0.1 }] as Options[]) {
      const before = memory(backend).liveBuffers;
      const { ys } = odeint.sync((_, y: Tensor) => y.neg(), start, ts, {
        ...options,
        batched: true,
      });
      ys.dispose();
      expect(memory(backend).liveBuffers).toBe(before);
    }
  });

  it('memory does not grow with the steps', async () => {
    const backend = await setBackend(reference());
    const peak = (rtol: number): number => {
      const start = tensor(new Float64Array(4000).fill(1), [4, 1000]);
      backend.resetPeak();
      const before = memory(backend).liveBytes;
      const { ys } = odeint.sync((_, y: Tensor) => y.neg(), start, times, { rtol, batched: true });
      const bytes = memory(backend).peakBytes - before;
      ys.dispose();
      start.dispose();
      return bytes;
    };
    expect(peak(1e-10)).toBe(peak(1e-4));
  });

  it('float32 takes the steps that float64 takes', async () => {
    const run = (): { end: number; nfe: number } => {
      const { ys, stats } = odeint.sync((_, y: Tensor) => y.sin(), tensor(y0), times, {
        batched: true,
        rtol: 1e-4,
        atol: 1e-6,
      });
      return { end: ys.at(1).at(3).itemSync(), nfe: stats.nfe };
    };
    await setBackend(reference({ floatDType: 'float32' }));
    const single = run();
    await setBackend(reference());
    const double = run();
    expect(single.nfe).toBe(double.nfe);
    expect(Math.abs(single.end - double.end)).toBeLessThan(1e-4);
  });
});

it('a batched solve tells its times, and what it cost where it fails', () => {
  const own = [
    [0, 1],
    [0, 2],
    [1, 3],
    [2, 4],
  ];
  const y0 = tensor(own);
  const solution = odeint.sync((_, y) => y.neg(), y0, own, { batched: true });
  expect(solution.ts).toEqual(own[0]);
  expect(solution.rowTimes).toEqual(own);
  const told: SolveStats[] = [];
  const options = { batched: true, maxSteps: 3, onSolve: (each: SolveStats) => told.push(each) };
  expect(() => odeint.sync((_, y) => y.neg(), y0, own, options)).toThrow(MaxStepsError);
  expect(told.map(({ status, pass }) => [status, pass])).toEqual([
    ['max-steps-reached', 'forward'],
  ]);
});
