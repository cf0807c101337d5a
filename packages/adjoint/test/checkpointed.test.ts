/**
 * `checkpointed()`: the numbers of `direct()`, in bounded memory, by repeating no more steps than the theory has it.
 */
import { grad, hvp, jit } from '@neuralode/autodiff';
import { reference } from '@neuralode/backend-reference';
import {
  adams,
  adamsBashforth,
  adamsBashforthMoulton,
  alf,
  bdf,
  coupled,
  dop853,
  dopri5,
  gaussLegendre4,
  type GradientMethod,
  implicitMidpoint,
  kvaerno3,
  kvaerno5,
  odeint,
  type OdeintOptions,
  radau5,
  reversibleHeun,
  rk4,
  rodas4,
  type SolveStats,
  trapezoid,
  tsit5,
} from '@neuralode/solvers';
import { setBackend, type Tensor, tensor } from '@neuralode/tensor';
import { beforeEach, describe, expect, it } from 'vitest';
import { checkpointed, direct } from '../src/index.ts';
import { pack, relativeError } from './numeric.ts';

beforeEach(async () => {
  await setBackend(reference());
});

type Options = OdeintOptions<Tensor>;
const fine = { rtol: 1e-6, atol: 1e-7 };
const cases: readonly [string, Options][] = [
  ['dopri5', { solver: dopri5(), ...fine }],
  ['tsit5', { solver: tsit5(), ...fine }],
  ['dop853', { solver: dop853(), ...fine }],
  ['rk4', { solver: rk4(), stepSize: 0.03 }],
  ['radau5', { solver: radau5(), ...fine }],
  ['kvaerno5', { solver: kvaerno5(), ...fine }],
  ['radau5, whose first steps are rejected', { solver: radau5(), ...fine, firstStep: 1.4 }],
  ['kvaerno3, whose first steps are rejected', { solver: kvaerno3(), ...fine, firstStep: 1.4 }],
  ['rodas4', { solver: rodas4(), ...fine }],
  ['gaussLegendre4', { solver: gaussLegendre4(), stepSize: 0.05 }],
  ['implicitMidpoint', { solver: implicitMidpoint(), stepSize: 0.05 }],
  ['trapezoid', { solver: trapezoid(), stepSize: 0.05 }],
  ['adams', { solver: adams(), ...fine }],
  ['bdf', { solver: bdf(), ...fine }],
  ['adamsBashforth(4)', { solver: adamsBashforth(4), stepSize: 0.02 }],
  ['adamsBashforthMoulton(5)', { solver: adamsBashforthMoulton(5), stepSize: 0.02 }],
  ['reversibleHeun', { solver: reversibleHeun(), ...fine }],
  ['alf', { solver: alf(), ...fine }],
  ['coupled dopri5', { solver: coupled(dopri5()), ...fine }],
];

interface Inputs {
  readonly y0: { a: Tensor; b: readonly [Tensor] };
  readonly w: Tensor;
  readonly ts: Tensor;
}

const inputs = (backwards: boolean): Inputs => {
  const times = [0.1, 0.33, 0.4, 0.41, 1, 1.6];
  return {
    y0: { a: tensor([1.3, -0.2]), b: [tensor(0.4)] },
    w: tensor([0.7, -3]),
    ts: tensor(backwards ? times.toReversed() : times),
  };
};

/** Of a van der Pol oscillator with a third leaf beside, at all times, by everything. */
const loss =
  (options: Options) =>
  ({ y0, w, ts }: Inputs): Tensor => {
    const { ys } = odeint(
      (t: Tensor, { a, b }: Inputs['y0'], p: Tensor): Inputs['y0'] => {
        const x = a.at(0);
        const v = a.at(1);
        const pull = x.square().neg().add(1).mul(v).mul(5).sub(x);
        const flow = v
          .reshape([1])
          .mul(p.at(0))
          .pad([0], [1])
          .add(pull.reshape([1]).pad([1], [0]));
        return { a: flow, b: [b[0].mul(p.at(1)).add(t.cos()).add(x.sin())] };
      },
      y0,
      ts,
      { ...options, args: w },
    );
    return ys.a.square().sum().add(ys.b[0].mul(ys.b[0].cos()).sum());
  };

const flat = ({ y0, w, ts }: Inputs): number[] => pack([y0.a, ...y0.b, w, ts]);

describe.each(cases)('%s', (_, options) => {
  it.each([
    ['forwards', 2],
    ['backwards', 4],
  ])('has the gradient of direct() bit for bit, %s in time, with %i states', (way, budget) => {
    const heard: SolveStats[] = [];
    const at = inputs(way === 'backwards');
    const by = (gradient: GradientMethod): number[] =>
      flat(
        grad(loss({ ...options, gradient, onSolve: (each) => heard.push(each) })).sync(
          at,
        ) as Inputs,
      );
    const got = by(checkpointed({ budget }));
    expect(got).toEqual(by(direct()));
    expect(got.every(Number.isFinite)).toBe(true);
    expect(heard[1].accepted).toBe(heard[3].accepted);
    expect(heard[1].nfe).toBe(heard[3].nfe);
  });
});

it('goes through rejected steps of implicit methods', () => {
  const heard: SolveStats[] = [];
  const onSolve = (each: SolveStats): number => heard.push(each);
  for (const [name, options] of cases) {
    if (!name.includes('rejected')) continue;
    grad(loss({ ...options, gradient: checkpointed({ budget: 2 }), onSolve })).sync(inputs(false));
    expect(heard.at(-2)?.rejected).toBeGreaterThan(1);
  }
});

describe.each([
  ['dopri5', { solver: dopri5() }],
  ['dop853', { solver: dop853() }],
  ['kvaerno5', { solver: kvaerno5() }],
] as const)('%s, with times to land on and discontinuities', (_, { solver }) => {
  it.each([
    ['forwards', [0, 0.2, 1.2, 1.3, 2]],
    ['backwards', [2, 1.3, 0.5, 0]],
  ])('agrees with direct() bit for bit, %s in time', (_way, times) => {
    const stops = { ...fine, solver, stepAt: [0.31, 1.9], jumpAt: [0.5, 1.25] };
    const final =
      (gradient: GradientMethod) =>
      (w: Tensor): Tensor =>
        odeint(
          (t: Tensor, y: Tensor, p: Tensor): Tensor =>
            y.mul(p).sin().add(t.greater(0.5).cast('float64')).sub(t.greater(1.25).cast('float64')),
          tensor([1, 2]),
          times,
          { ...stops, args: w, gradient },
        )
          .ys.square()
          .sum();
    const by = (gradient: GradientMethod): number[] =>
      pack([grad(final(gradient)).sync(tensor([-0.7, 1.9]))]);
    expect(by(checkpointed({ budget: 2 }))).toEqual(by(direct()));
  });
});

describe('a state that jumps at its observations', () => {
  const times = [0, 0.4, 1, 1.5];
  const leap = [
    [0.3, -0.5],
    [0.2, 0.1],
  ];
  const field = (t: Tensor, y: Tensor, w: Tensor): Tensor => y.mul(w).sin().add(t.cos());
  const solve = { solver: rk4(), stepSize: 0.05 };

  /** As one node, which jumps. */
  const jumping = ({ name, vjp }: GradientMethod): GradientMethod => ({
    name,
    vjp(inputs, attrs, needs, modes) {
      const [y0, ...args] = inputs;
      const jumps = [{ keep: true }];
      const given = [y0, tensor(leap), ...args];
      const { outputs, pullback } = vjp(
        given,
        { ...attrs, jumps },
        needs.toSpliced(1, 0, true),
        modes,
      );
      return { outputs, pullback: (cotangents) => pullback(cotangents).toSpliced(1, 1) };
    },
  });
  const whole =
    (gradient: GradientMethod) =>
    (w: Tensor): Tensor => {
      const options = { ...solve, args: w, gradient: jumping(gradient) };
      return odeint(field, w.mul(2), times, options).ys.square().sum();
    };

  /** As one solve for each stretch. */
  const stretches = (w: Tensor): Tensor => {
    const options = { ...solve, args: w, gradient: direct() };
    let y = w.mul(2);
    let total = y.square().sum();
    for (let i = 1; i < times.length; i++) {
      y = odeint(field, y, [times[i - 1], times[i]], options).ys.at(-1);
      total = total.add(y.square().sum());
      if (i < times.length - 1) y = y.add(tensor(leap[i - 1]));
    }
    return total;
  };

  it('has the gradient of its stretches, and that of direct() bit for bit', () => {
    const w = tensor([0.7, -1.9]);
    const by = (gradient: GradientMethod): number[] => pack([grad(whole(gradient)).sync(w)]);
    const got = by(checkpointed({ budget: 3 }));
    expect(got).toEqual(by(direct()));
    expect(relativeError(got, pack([grad(stretches).sync(w)]))).toBeLessThan(1e-12);
  });
});

describe('derivatives of its gradient', () => {
  it('are those of direct(), bit for bit, to third order', () => {
    const field = (t: Tensor, y: Tensor, w: Tensor): Tensor => y.mul(w).sin().add(t.cos());
    const final =
      (gradient: GradientMethod) =>
      (w: Tensor): Tensor =>
        odeint(field, tensor([1, 2]), [0, 0.3, 1], { ...fine, args: w, gradient })
          .ys.square()
          .sum();
    const w = tensor([0.7, -1.9]);
    const all = (gradient: GradientMethod): number[] => {
      const fn = final(gradient);
      const slope = (x: Tensor): Tensor => grad(fn)(x).square().sum();
      const bend = (x: Tensor): Tensor => grad(slope)(x).square().sum();
      return pack([hvp.sync(fn, w, tensor([1, 0.5])), grad(slope).sync(w), grad(bend).sync(w)]);
    };
    expect(all(checkpointed({ budget: 3 }))).toEqual(all(direct()));
  });
});

describe('cost and memory', () => {
  const field = (_: Tensor, y: Tensor, w: Tensor): Tensor => y.mul(w).tanh();
  const lossOf =
    (steps: number, gradient: GradientMethod, onSolve?: (stats: SolveStats) => void) =>
    (w: Tensor): Tensor =>
      odeint(field, w.mul(2), [0, 1], {
        solver: rk4(),
        stepSize: 1 / steps,
        args: w,
        gradient,
        ...(onSolve && { onSolve }),
      })
        .ys.at(-1)
        .sum();

  it.each([
    [10, 1],
    [40, 3],
    [200, 5],
    [500, 32],
    [30, 100],
  ])(
    'repeats each of %i steps no more often than the theory says with %i states',
    (steps, budget) => {
      const heard: SolveStats[] = [];
      grad(lossOf(steps, checkpointed({ budget }), (each) => heard.push(each))).sync(tensor([0.3]));
      const [forward, backward] = heard;
      // Four evaluations a step, forwards; the fewest repetitions with (s + r)!/(s! r!) ≥ steps; one more for the residuals.
      expect(forward.nfe).toBe(4 * steps);
      let repeats = 0;
      for (let most = 1; most < steps; most = (most * (budget + 1 + repeats)) / repeats) repeats++;
      expect(backward.nfe).toBe(4 * steps);
      expect(backward.recomputed).toBeLessThanOrEqual(4 * steps * (repeats + 1));
      expect(backward.recomputed).toBeGreaterThanOrEqual(4 * steps);
      if (budget >= steps) expect(backward.recomputed).toBe(4 * steps);
    },
  );

  /** Peak bytes above what was live before, of one gradient. */
  const peak = async (gradient: GradientMethod, steps: number): Promise<number> => {
    const backend = await setBackend(reference());
    const step = jit(grad(lossOf(steps, gradient)));
    const w = tensor(new Float64Array(1000).fill(0.5));
    step.sync(w).dispose();
    const before = backend.memory();
    backend.resetPeak();
    step.sync(w).dispose();
    expect(backend.memory().liveBuffers).toBe(before.liveBuffers);
    return backend.memory().peakBytes - before.liveBytes;
  };

  it('keeps no more states than the budget, however many steps there are', async () => {
    const gradient = checkpointed({ budget: 4 });
    const [few, many] = [await peak(gradient, 50), await peak(gradient, 500)];
    // Scalars that watch for overflow are all that may differ.
    expect(Math.abs(many - few)).toBeLessThan(400);
    const fuller = await peak(checkpointed({ budget: 14 }), 500);
    expect(fuller - many).toBe(10 * 8000);
  });
});

describe('what does not fit', () => {
  it.each([0, -3, 1.5, Number.NaN])('a budget of %d', (budget) => {
    expect(() => checkpointed({ budget })).toThrow(
      /checkpointed: the budget is a number of states to keep.*whole number, 1 or more/,
    );
  });

  it('an option that there is not', () => {
    expect(() => checkpointed({ buget: 3 } as object)).toThrow(/checkpointed.*buget/);
  });
});
