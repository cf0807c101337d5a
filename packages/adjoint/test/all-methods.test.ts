/**
 * Every general gradient method on the same problems, in float64: against closed forms, central differences of the solve,
 * and each other; what the continuous ones lose to the tolerance; second derivatives; cost; and what all of them refuse.
 * (Stiff fields: implicit-gradients.test.ts. Steady states: implicit.test.ts.)
 */
import { grad, hvp } from '@neuralode/autodiff';
import { reference } from '@neuralode/backend-reference';
import {
  alf,
  type GradientMethod,
  odeint,
  type OdeintOptions,
  rk4,
  SolveError,
  type SolveStats,
  type StepReport,
} from '@neuralode/solvers';
import {
  DTypeError,
  evaluate,
  random,
  setBackend,
  ShapeError,
  stack,
  type Tensor,
  tensor,
} from '@neuralode/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  backsolve,
  checkpointed,
  direct,
  forward,
  implicit,
  interpolated,
  reversible,
} from '../src/index.ts';
import { centralGradient, pack, relativeError, unpack } from './numeric.ts';

beforeAll(async () => {
  await setBackend(reference());
});

type Options = OdeintOptions<unknown>;
type Loss = (inputs: Tensor[]) => Tensor;

const general: readonly GradientMethod[] = [
  direct(),
  checkpointed({ budget: 3 }),
  interpolated(),
  backsolve(),
  forward(),
];
const continuous = [interpolated(), backsolve()];
const tight = { rtol: 1e-11, atol: 1e-11 };

interface Problem {
  readonly name: string;
  readonly shapes: readonly (readonly number[])[];
  readonly x: readonly number[];
  readonly loss: (options: Options) => Loss;
  /** `forward` solves for a derivative by each input beside the state. */
  readonly manyInputs?: boolean;
}

/** Parameters a, b, c, d, the initial state, and the start and the end: eight gradients. */
const lotkaVolterra: Problem = {
  name: 'Lotka-Volterra',
  shapes: [[4], [2], [2]],
  x: [1.5, 1, 3, 1, 1, 0.8, 0.2, 2.1],
  loss:
    (options) =>
    ([p, y0, ts]) => {
      const field = (_: Tensor, y: Tensor, q: Tensor): Tensor => {
        const both = y.at(0).mul(y.at(1));
        return stack([
          y
            .at(0)
            .mul(q.at(0))
            .sub(both.mul(q.at(1))),
          both.mul(q.at(3)).sub(y.at(1).mul(q.at(2))),
        ]);
      };
      const { ys } = odeint(field, y0, ts, { ...options, args: p } as OdeintOptions<Tensor>);
      return ys
        .at(-1)
        .square()
        .mul(tensor([1, 0.6]))
        .sum();
    },
};

/** A state { place [2], level [] } under a drive in time, seen at irregular times. */
const driven = (name: string, times: readonly number[]): Problem => ({
  name,
  shapes: [[2], [], [2], [times.length]],
  x: [0.4, -0.7, 0.3, 0.8, 1.2, ...times],
  loss:
    (options) =>
    ([place, level, p, ts]) => {
      const field = (
        t: Tensor,
        y: { place: Tensor; level: Tensor },
        q: Tensor,
      ): { place: Tensor; level: Tensor } => ({
        place: y.place
          .flip(0)
          .mul(tensor([1, -1]))
          .mul(q.at(0))
          .add(y.level.mul(t.cos())),
        level: y.place
          .sum()
          .sin()
          .sub(y.level.mul(q.at(1)).mul(t)),
      });
      const given = { ...options, args: p } as OdeintOptions<Tensor>;
      const { ys } = odeint(field, { place, level }, ts, given);
      return ys.place.square().sum().add(ys.level.sin().sum());
    },
});

const rng = random(5);

/** tanh(y W1 + b) W2, 4 → 32 → 4: 288 parameters. */
const network: Problem = {
  name: 'a tanh network',
  shapes: [[3, 4], [4, 32], [32], [32, 4]],
  x: Array.from({ length: 300 }, () => 0.4 * rng.nextNormal()),
  manyInputs: true,
  loss:
    (options) =>
    ([y0, w1, b, w2]) => {
      const field = (_: Tensor, y: Tensor): Tensor => y.matMul(w1).add(b).tanh().matMul(w2);
      return odeint(field, y0, [0, 0.3, 1], options as OdeintOptions<undefined>)
        .ys.square()
        .mean();
    },
};

const times = [0.1, 0.17, 0.9, 1.6];
const problems: readonly Problem[] = [
  lotkaVolterra,
  driven('a driven tree', times),
  driven('a driven tree, backwards in time', times.toReversed()),
  network,
];

const gradientOf = ({ loss, shapes, x }: Problem, options: Options, at = x): number[] =>
  pack(grad(loss(options)).sync(unpack(at, shapes)));

/** Of the loss along a few directions: as many differences as the test can afford. */
function differencesAlong(
  { loss, shapes, x }: Problem,
  directions: readonly (readonly number[])[],
): number[] {
  const onHost = (flat: readonly number[]): number =>
    evaluate.sync(() => loss(tight)(unpack(flat, shapes))).itemSync();
  return directions.map((along) => {
    const moved = (s: readonly number[]): number => onHost(x.map((v, i) => v + s[0] * along[i]));
    return centralGradient(moved, [0], 1e-4)[0];
  });
}

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, each, i) => sum + each * b[i], 0);

describe.each(problems)('$name', (problem) => {
  const { x, manyInputs = false } = problem;
  const units = x.map((_, i) => x.map((_v, j) => (i === j ? 1 : 0)));
  const mixed = [1, 2, 3].map((k) => x.map((_, i) => Math.cos(k * (i + 1))));

  it('every method agrees with central differences', () => {
    const directions = manyInputs ? mixed : units;
    const expected = differencesAlong(problem, directions);
    const methods = general.filter(({ name }) => !(manyInputs && name === 'forward'));
    for (const gradient of methods) {
      const got = gradientOf(problem, { ...tight, gradient });
      const along = directions.map((direction) => dot(got, direction));
      expect(relativeError(along, expected), gradient.name).toBeLessThan(1e-6);
    }
  });

  it('checkpointed() is direct(), bit for bit', () => {
    const options = { rtol: 1e-5, atol: 1e-7 };
    const taped = gradientOf(problem, { ...options, gradient: direct() });
    const repeated = gradientOf(problem, { ...options, gradient: checkpointed({ budget: 3 }) });
    expect(repeated).toEqual(taped);
  });

  // In equal steps: where steps adapt, the derivatives that forward() carries have a say in their sizes. Not by the times,
  // which come last: forward() moves them by the field itself, direct() by the discrete solution.
  it.skipIf(manyInputs)('forward() is direct(), to rounding, over the same steps', () => {
    const options = { solver: rk4(), stepSize: 0.03 };
    const butTimes = (gradient: GradientMethod): number[] =>
      gradientOf(problem, { ...options, gradient }).slice(0, -(problem.shapes.at(-1)?.[0] ?? 0));
    expect(relativeError(butTimes(forward()), butTimes(direct()))).toBeLessThan(1e-12);
  });

  it('reversible() is direct() with its solver, to 1e-10', () => {
    const options = { solver: alf({ adaptive: false }), stepSize: 0.03 };
    const undone = gradientOf(problem, { ...options, gradient: reversible() });
    const taped = gradientOf(problem, { ...options, gradient: direct() });
    expect(relativeError(undone, taped)).toBeLessThan(1e-10);
  });
});

describe('the linear field', () => {
  it.each(general)('$name gives the closed form', (gradient) => {
    // y(t₁) = y₀ exp(a (t₁ − t₀)), by y₀, a, t₀ and t₁.
    const [y0, a, t0, t1] = [1.3, -0.7, 0.2, 1.4];
    const loss = ([y, rate, ts]: Tensor[]): Tensor => {
      const options = { ...tight, gradient, args: rate };
      return odeint((_, z: Tensor, r: Tensor) => z.mul(r), y, ts, options).ys.at(-1);
    };
    const got = pack(grad(loss).sync(unpack([y0, a, t0, t1], [[], [], [2]])));
    const end = y0 * Math.exp(a * (t1 - t0));
    expect(relativeError(got, [end / y0, (t1 - t0) * end, -a * end, a * end])).toBeLessThan(1e-9);
  });
});

describe('the continuous adjoints', () => {
  it.each(continuous)('$name: the error falls as the tolerance does', (gradient) => {
    const truth = gradientOf(lotkaVolterra, { rtol: 1e-13, atol: 1e-13, gradient: direct() });
    const powers = [4, 5, 6, 7, 8, 9];
    const errors = powers.map((power) => {
      const options = { rtol: 10 ** -power, atol: 10 ** -power, gradient };
      return Math.log10(relativeError(gradientOf(lotkaVolterra, options), truth));
    });
    // Least squares of log₁₀ error by −log₁₀ tolerance; dopri5 holds the error of a step in proportion to the tolerance.
    const centre =
      dot(
        powers,
        powers.map(() => 1),
      ) / powers.length;
    const offsets = powers.map((power) => power - centre);
    const slope = -dot(offsets, errors) / dot(offsets, offsets);
    expect(slope).toBeGreaterThan(0.8);
    expect(slope).toBeLessThan(1.2);
  });
});

describe('second derivatives of Lotka-Volterra', () => {
  it.each(general)('$name: the Hessian along a direction', (gradient) => {
    const { loss, shapes, x } = lotkaVolterra;
    const along = x.map((_, i) => Math.cos(i + 1));
    const options = { ...tight, gradient };
    const got = pack(hvp.sync(loss(options), unpack(x, shapes), unpack(along, shapes)));
    const h = 1e-4;
    const moved = (by: number): number[] =>
      gradientOf(
        lotkaVolterra,
        { ...tight, gradient: direct() },
        x.map((v, i) => v + by * along[i]),
      );
    const [up, down] = [moved(h), moved(-h)];
    const expected = up.map((each, i) => (each - down[i]) / (2 * h));
    expect(relativeError(got, expected)).toBeLessThan(1e-5);
  });
});

describe('cost', () => {
  const passes = (options: Options): SolveStats[] => {
    const heard: SolveStats[] = [];
    const onSolve = (stats: SolveStats): number => heard.push(stats);
    gradientOf(lotkaVolterra, { ...options, onSolve } as Options);
    return heard;
  };

  it('backsolve() pays for a solve of its own', () => {
    const [, back] = passes({ rtol: 1e-6, atol: 1e-6, gradient: backsolve() });
    const solved = 2 + 6 * (back.accepted + back.rejected);
    expect(back.nfe).toBeGreaterThanOrEqual(solved);
    expect(back.nfe).toBeLessThanOrEqual(solved + 2);
  });

  it('interpolated() pays for a solve of the adjoint, and three VJPs between any two ends of steps of either', () => {
    const ends = new Set<number>();
    // The times that both passes end at differ by rounding.
    const onStep = ({ t, accepted }: StepReport): void => {
      if (accepted) ends.add(Number(t.toPrecision(12)));
    };
    const options = { rtol: 1e-6, atol: 1e-6, gradient: interpolated(), onStep };
    const [, back] = passes(options as Options);
    const solved = 2 + 6 * (back.accepted + back.rejected);
    expect(back.nfe).toBe(solved + 3 * (ends.size - 1));
  });

  it('reversible(): a step undone, taken again, and its VJP', () => {
    const options = { solver: alf({ adaptive: false }), stepSize: 0.05, gradient: reversible() };
    const [ahead, back] = passes(options);
    // A VJP a step, and one for the rate that alf begins with, which is evaluated once more for it; an evaluation to undo
    // each step, and one to take it again.
    expect(back.nfe).toBe(1 + ahead.accepted);
    expect(back.recomputed).toBe(1 + 2 * ahead.accepted);
  });
});

const refusing: readonly [string, Options][] = [
  ...[...general, implicit()].map((gradient): [string, Options] => [gradient.name, { gradient }]),
  ['reversible', { gradient: reversible(), solver: alf() }],
];

describe.each(refusing)('%s refuses', (_name, given) => {
  const final = (y: Tensor, options: object = {}): Tensor =>
    odeint((_, z: Tensor) => z.neg(), y, [0, 1], {
      ...given,
      ...options,
    } as OdeintOptions<undefined>).ys.at(-1);

  it('whole numbers', () => {
    const whole = tensor([1, 2], [2], { dtype: 'int32' });
    const loss = (w: Tensor): Tensor => final(tensor([1, 2]).mul(w.cast('float64'))).sum();
    expect(() => grad(loss).sync(whole)).toThrow(DTypeError);
    expect(() => grad(loss).sync(whole)).toThrow(/whole numbers.*int32.*Cast it to a float/s);
  });

  it('a loss that is not a scalar', () => {
    const run = (): unknown => grad((y: Tensor) => final(y)).sync(tensor([1, 2]));
    expect(run).toThrow(ShapeError);
    expect(run).toThrow(/must return a scalar tensor.*\.mean\(\) or \.sum\(\)/s);
  });

  it('the statistics of the solve', () => {
    let nfe = 0;
    const onSolve = (stats: SolveStats): void => {
      nfe = stats.nfe;
    };
    const loss = (y: Tensor): Tensor => {
      final(y, { onSolve });
      return nfe as unknown as Tensor;
    };
    expect(() => grad(loss).sync(tensor([1, 2]))).toThrow(/must return a scalar tensor/);
  });
});

it('a backward solve that fails is called that, with the time and a remedy', () => {
  const loss = (y0: Tensor): Tensor =>
    odeint((t, y) => y.mul(t.mul(30)).sin(), y0, [0, 1, 2], {
      rtol: 1e-3,
      gradient: backsolve({ rtol: 1e-13, atol: 1e-300 }),
      maxSteps: 60,
    }).ys.sum();
  const run = (): unknown => grad(loss).sync(tensor(1));
  expect(run).toThrow(SolveError);
  expect(run).toThrow(
    /backward solve of the gradient: 60 steps .* on the way to t = .*Raise maxSteps/,
  );
});
