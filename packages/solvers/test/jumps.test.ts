/** The node itself, as gradients use it: jumps at interior times, and leaves that do not steer the steps. */
import { reference } from '@neuralode/backend-reference';
import {
  type Control,
  controlOf,
  dopri5,
  type LeafJump,
  type Method,
  methodOf,
  odeSolve,
  rk4,
  type SolveStats,
} from '@neuralode/solvers';
import {
  apply,
  evaluate,
  memory,
  record,
  setBackend,
  type Tensor,
  tensor,
  where,
} from '@neuralode/tensor';
import { beforeEach, describe, expect, it } from 'vitest';

const times = [0, 0.5, 1.25, 2];

interface Case {
  readonly name: string;
  readonly method: Method;
  readonly control: Control;
}

const cases: readonly Case[] = [
  {
    name: 'dopri5',
    method: methodOf(dopri5()),
    control: controlOf(dopri5(), { rtol: 1e-10, atol: 1e-10 }),
  },
  { name: 'rk4', method: methodOf(rk4()), control: controlOf(rk4(), { stepSize: 0.01 }) },
];

interface Run {
  readonly rows: readonly number[][];
  readonly stats: SolveStats;
}

/** Two scalars that decay, with the given jumps at the interior times. */
async function solveJumps(
  { method, control }: Omit<Case, 'name'>,
  jumps: readonly (LeafJump | undefined)[],
  at: readonly number[],
  field = (_: Tensor, a: Tensor, b: Tensor): Tensor[] => [a.neg(), b.mul(-2)],
  steered: readonly boolean[] = [true, true],
): Promise<Run> {
  const scalar = { shape: [], dtype: 'float64' } as const;
  const { graph: body } = record([scalar, scalar, scalar], field);
  const addends = jumps.flatMap((jump) => (jump === undefined ? [] : [tensor([10, 20])]));
  let stats: SolveStats | undefined;
  const onSolve = (each: SolveStats): void => {
    stats = each;
  };
  const attrs = {
    body,
    leaves: 2,
    times: at,
    jumps,
    steered,
    method,
    control,
    pass: 'forward',
    onSolve,
  };
  const results = await evaluate(() => apply(odeSolve, [tensor(1), tensor(1), ...addends], attrs));
  const rows = await Promise.all(results.map(async (each) => Array.from(await each.data())));
  return { rows, stats: stats as SolveStats };
}

function expectClose(got: readonly number[], expected: readonly number[]): void {
  expected.forEach((value, i) => {
    expect(got[i]).toBeCloseTo(value, 7);
  });
}

beforeEach(async () => {
  await setBackend(reference());
});

describe.each(cases)('$name', (each) => {
  it('adds where it keeps, replaces where it does not, after what is observed there', async () => {
    const { rows } = await solveJumps(each, [{ keep: true }, { keep: false }], times);
    const kept = Math.exp(-0.5);
    const keptLater = (kept + 10) * Math.exp(-0.75);
    expectClose(rows[0], [1, kept, keptLater, (keptLater + 20) * Math.exp(-0.75)]);
    expectClose(rows[1], [1, Math.exp(-1), 10 * Math.exp(-1.5), 20 * Math.exp(-1.5)]);
  });

  it('leaves a leaf without a jump alone', async () => {
    const { rows } = await solveJumps(each, [undefined, { keep: false }], times);
    expectClose(
      rows[0],
      times.map((t) => Math.exp(-t)),
    );
  });

  it('goes backward in time too', async () => {
    const { rows } = await solveJumps(each, [{ keep: true }, undefined], times.toReversed());
    const first = Math.exp(0.75);
    const second = (first + 10) * Math.exp(0.75);
    expectClose(rows[0], [1, first, second, (second + 20) * Math.exp(0.5)]);
  });

  it('evaluates the field anew after each jump, and only then', async () => {
    const { stats } = await solveJumps(each, [{ keep: true }, undefined], times);
    const attempts = stats.accepted + stats.rejected;
    expect(stats.nfe).toBe(each.name === 'rk4' ? 4 * attempts : 2 + 2 + 6 * attempts);
  });

  it('has nothing to jump at between two times', async () => {
    const { rows } = await solveJumps(each, [undefined, undefined], [0, 2]);
    expectClose(rows[0], [1, Math.exp(-2)]);
  });

  it('leaves nothing on the device but what it gives', async () => {
    const backend = await setBackend(reference());
    await solveJumps(each, [{ keep: true }, { keep: false }], times);
    // all tensors of the call: two scalars, two jumps, two results
    expect(memory(backend).liveBuffers).toBe(6);
  });
});

describe('steps', () => {
  it('of one size are laid anew from each jump', async () => {
    const control = controlOf(rk4(), { stepSize: 0.2 });
    const { stats } = await solveJumps(
      { ...cases[1], control },
      [{ keep: true }, undefined],
      times,
    );
    // 0.5, 0.75 and 0.75 take 3, 4 and 4
    expect(stats.accepted).toBe(11);
  });

  it('keep their size across a landing', async () => {
    const control = controlOf(dopri5(), { rtol: 1e-3, atol: 1e-3 });
    const many = Array.from({ length: 201 }, (_, i) => i / 100);
    const jumps = [{ keep: true }, undefined];
    const quiet = (_: Tensor, a: Tensor, b: Tensor): Tensor[] => [a.mul(-0.1), b.mul(0.1)];
    const scalar = { shape: [], dtype: 'float64' } as const;
    const { graph: body } = record([scalar, scalar, scalar], quiet);
    let stats: SolveStats | undefined;
    const attrs = {
      body,
      leaves: 2,
      times: many,
      jumps,
      steered: [true, true],
      method: methodOf(dopri5()),
      control,
      pass: 'forward',
      onSolve: (each: SolveStats) => {
        stats = each;
      },
    };
    await evaluate(() =>
      apply(odeSolve, [tensor(1), tensor(1), tensor(new Float64Array(199))], attrs),
    );
    expect(stats).toMatchObject({ accepted: 200, rejected: 0 });
  });
});

describe('leaves that do not steer', () => {
  const wild = (t: Tensor, a: Tensor, b: Tensor): Tensor[] => [
    a.neg(),
    t.mul(40).sin().mul(40).add(b.mul(0)),
  ];

  it('do not count in the error', async () => {
    const run = (steered: readonly boolean[]): Promise<Run> =>
      solveJumps(cases[0], [undefined, undefined], [0, 2], wild, steered);
    const both = await run([true, true]);
    const one = await run([true, false]);
    expect(one.stats.nfe).toBeLessThan(both.stats.nfe / 3);
    expectClose(one.rows[0], [1, Math.exp(-2)]);
  });

  it('are still seen when they are not finite', async () => {
    const broken = (t: Tensor, a: Tensor, b: Tensor): Tensor[] => [
      a.neg(),
      where(t.greater(1), Number.NaN, b),
    ];
    const run = solveJumps(cases[0], [undefined, undefined], [0, 2], broken, [true, false]);
    await expect(run).rejects.toThrow(
      /^odeint: the field or the state is not finite at t = (1|0\.9999)/,
    );
  });
});
