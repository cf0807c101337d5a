/** `reversible()`: the numbers of `direct()` to rounding, at a memory that does not grow with the steps. */
import { grad, hvp } from '@neuralode/autodiff';
import { reference } from '@neuralode/backend-reference';
import {
  alf,
  coupled,
  dopri5,
  leapfrog,
  odeint,
  reversibleHeun,
  rk4,
  SolveError,
  symplecticEuler,
} from '@neuralode/solvers';
import {
  ArgumentError,
  type Backend,
  evaluate,
  memory,
  setBackend,
  type Tensor,
  tensor,
} from '@neuralode/tensor';
import { beforeEach, describe, expect, it } from 'vitest';
import { backsolve, direct, reversible } from '../src/index.ts';
import { centralGradient, pack, relativeError, unpack } from './numeric.ts';

let backend: Backend;
beforeEach(async () => {
  backend = await setBackend(reference());
});

const vector = (values: readonly number[]): Tensor => tensor(Float64Array.from(values));
const fine = { rtol: 1e-5, atol: 1e-6 };

const general = [
  ['alf', { solver: alf(), ...fine }],
  ['alf in fixed steps', { solver: alf({ adaptive: false }), stepSize: 0.013 }],
  ['damped alf', { solver: alf({ damping: 0.98, adaptive: false }), stepSize: 0.013 }],
  ['coupled dopri5', { solver: coupled(dopri5()), ...fine }],
  ['coupled rk4', { solver: coupled(rk4(), { coupling: 0.97 }), stepSize: 0.013 }],
  ['reversibleHeun', { solver: reversibleHeun(), ...fine }],
  [
    'reversibleHeun in fixed steps',
    { solver: reversibleHeun({ adaptive: false }), stepSize: 0.013 },
  ],
] as const;

/** A tree [a [2], b [1]], times and weights in one list: y₀, w, ts. */
const shapes = [[2], [1], [3], [5]];
const forwards = [0.1, 0.33, 0.4, 1, 1.6];
const point = (times: readonly number[]): number[] => [1.3, -0.2, 0.4, 0.7, -0.5, 0.3, ...times];

/** A driven oscillator with a leaf beside, at all times; jumps in time at 0.7 where `steps` says so. */
function loss(options: object) {
  return ([a, b, w, ts]: readonly Tensor[]): Tensor => {
    const field = (t: Tensor, y: readonly [Tensor, Tensor], p: Tensor): [Tensor, Tensor] => {
      const turned = y[0].flip(0).mul(vector([1, -1]));
      const drive = t.cos().mul(p.at(2)).add(y[1].sum());
      return [
        turned
          .mul(p.at(0))
          .add(y[0].tanh().mul(p.at(1)))
          .add(drive),
        y[0].sum().sin().reshape([1]),
      ];
    };
    const { ys } = odeint(field, [a, b] as const, ts, { args: w, ...options } as never);
    return ys[0].square().sum().add(ys[1].sin().sum());
  };
}

describe.each(general)('%s', (_, options) => {
  it.each([
    ['forwards', forwards],
    ['backwards', forwards.toReversed()],
  ])('gives the gradient of direct(), by everything, %s in time', (_direction, times) => {
    const x = unpack(point(times), shapes);
    const undone = pack(grad(loss({ ...options, gradient: reversible() })).sync(x));
    const taped = pack(grad(loss({ ...options, gradient: direct() })).sync(x));
    expect(relativeError(undone, taped)).toBeLessThan(1e-11);
  });

  it('gives second derivatives', () => {
    const x = unpack(point(forwards), shapes);
    const direction = unpack(
      point(forwards).map((_v, i) => Math.cos(i)),
      shapes,
    );
    const of = (gradient: unknown): number[] =>
      pack(hvp.sync(loss({ ...options, gradient }), x as never, direction as never));
    expect(relativeError(of(reversible()), of(direct()))).toBeLessThan(1e-10);
  });
});

it.each(general.filter(([, options]) => 'stepSize' in options))(
  'agrees with differences of the solve itself: %s',
  (_, options) => {
    // By all but the times, which fixed steps follow differently: differences move the last step before each only.
    const [some, times] = [point(forwards).slice(0, 6), forwards];
    const fn = (inputs: readonly Tensor[]): Tensor =>
      loss({ ...options, gradient: reversible() })([...inputs, vector(times)]);
    const onHost = (flat: readonly number[]): number =>
      evaluate.sync(() => fn(unpack(flat, shapes.slice(0, 3)))).itemSync();
    const got = pack(grad(fn).sync(unpack(some, shapes.slice(0, 3))));
    expect(relativeError(got, centralGradient(onHost, some))).toBeLessThan(1e-8);
  },
);

describe.each([
  ['leapfrog', leapfrog()],
  ['symplecticEuler', symplecticEuler()],
] as const)('%s', (_, solver) => {
  const orbit =
    (gradient: unknown, extra: object = {}) =>
    ([q, p, w]: readonly Tensor[]): Tensor => {
      const { ys } = odeint(
        (t: Tensor, y: readonly [Tensor, Tensor], k: Tensor) =>
          [
            y[1].mul(k.at(0)),
            y[0]
              .sin()
              .mul(k.at(1))
              .sub(t.mul(k.at(2))),
          ] as const,
        [q, p] as const,
        [0, 0.31, 1.17, 2],
        { solver, stepSize: 0.03, args: w, gradient, ...extra } as never,
      );
      return ys[0].square().sum().add(ys[1].mul(0.3).sum());
    };
  let x: Tensor[];
  beforeEach(() => {
    x = unpack([0.4, -1, 0.2, 0.9, 1.1, -1.5, 0.2], [[2], [2], [3]]);
  });

  it('gives the gradient of direct(), and second derivatives', () => {
    for (const extra of [{}, { jumpAt: [0.5] }, { stepAt: [0.5, 1] }]) {
      const undone = pack(grad(orbit(reversible(), extra)).sync(x));
      expect(relativeError(undone, pack(grad(orbit(direct(), extra)).sync(x)))).toBeLessThan(1e-12);
    }
    const direction = unpack([1, 2, -1, 0.5, 1, -2, 0.3], [[2], [2], [3]]);
    const of = (gradient: unknown): number[] =>
      pack(hvp.sync(orbit(gradient), x as never, direction as never));
    expect(relativeError(of(reversible()), of(direct()))).toBeLessThan(1e-11);
  });

  it('agrees with differences', () => {
    const all = pack([...x]);
    const sizes = [[2], [2], [3]];
    const onHost = (flat: readonly number[]): number =>
      evaluate.sync(() => orbit(reversible())(unpack(flat, sizes))).itemSync();
    const got = pack(grad(orbit(reversible())).sync(x));
    expect(relativeError(got, centralGradient(onHost, all))).toBeLessThan(1e-8);
  });

  it('is refused by backsolve() without a solver of its own, and taken with one', () => {
    expect(() => grad(orbit(backsolve())).sync(x)).toThrow(/the adjoint is no such pair/);
    const near = pack(grad(orbit(backsolve({ solver: dopri5() }))).sync(x));
    // The continuous adjoint differs from the discrete one by the error of the solve.
    const far = pack(grad(orbit(direct())).sync(x));
    expect(relativeError(near, far)).toBeLessThan(solver === leapfrog() ? 5e-3 : 0.2);
  });
});

it('goes back across discontinuities, where the steps begin afresh', () => {
  const x = unpack(point(forwards), shapes);
  for (const extra of [{ jumpAt: [0.7, 1.2] }, { stepAt: [0.5] }]) {
    const numbers = (gradient: unknown) => {
      const fn = ([a, b, w]: readonly Tensor[]): Tensor => {
        const { ys } = odeint(
          (t: Tensor, y: Tensor, p: Tensor) =>
            y
              .sin()
              .mul(p.at(0))
              .add(t.mul(p.at(1))),
          a.add(b),
          [0, 0.4, 1.6],
          { solver: reversibleHeun(), ...fine, args: w, gradient, ...extra } as never,
        ) as { ys: Tensor };
        return ys.square().sum();
      };
      return pack(grad(fn).sync(x.slice(0, 3)));
    };
    expect(relativeError(numbers(reversible()), numbers(direct()))).toBeLessThan(1e-12);
  }
});

it('needs no more memory for more steps', () => {
  const peak = (steps: number, gradient: unknown): number => {
    const y0 = vector([1, 0.5]);
    const fn = (y: Tensor): Tensor =>
      odeint
        .sync((_: Tensor, z: Tensor) => z.flip(0).mul(vector([1, -1])), y, [0, 1], {
          solver: alf({ adaptive: false }),
          stepSize: 1 / steps,
          gradient,
        } as never)
        .ys.sum();
    const run = grad(fn);
    run.sync(y0).dispose();
    const { liveBytes } = memory();
    backend.resetPeak();
    run.sync(y0).dispose();
    return memory().peakBytes - liveBytes;
  };
  expect(peak(400, reversible())).toBe(peak(40, reversible()));
  expect(peak(400, direct())).toBeGreaterThan(5 * peak(40, direct()));
});

it('is refused for steps that cannot be undone, by the compiler and at run time', () => {
  const call = (): unknown =>
    grad(
      (y: Tensor): Tensor =>
        odeint
          .sync((_: Tensor, z: Tensor) => z.neg(), y, [0, 1], {
            // @ts-expect-error: the steps of dopri5 cannot be undone.
            solver: dopri5(),
            gradient: reversible(),
          })
          .ys.sum(),
    ).sync(vector([1]));
  expect(call).toThrow(ArgumentError);
  expect(call).toThrow(/steps of dopri5 cannot be undone.*reversibleHeun/);
});

it('is taken by the compiler where they can', () => {
  const solve = (solver: ReturnType<typeof reversibleHeun>) =>
    odeint.sync((_: Tensor, z: Tensor) => z.neg(), vector([1]), [0, 1], {
      solver,
      gradient: reversible(),
    });
  expect(solve(reversibleHeun()).ys.dataSync()[1]).toBeCloseTo(Math.exp(-1), 4);
});

describe('where the field contracts', () => {
  /** ∂/∂k of y(T) for y' = k (cos t − y), y(0) = 1, of which y(T) forgets: y → k (k cos t + sin t) / (k² + 1). */
  const byRate = (end: number, options: object): number =>
    grad((rate: Tensor) =>
      odeint((t: Tensor, y: Tensor, p: Tensor) => t.cos().sub(y).mul(p), vector([1]), [0, end], {
        args: rate,
        gradient: reversible(),
        ...options,
      } as never)
        .ys.at(-1)
        .sum(),
    )
      .sync(tensor(5))
      .itemSync();
  const options = { solver: coupled(rk4(), { coupling: 0.98 }), stepSize: 0.0025 };

  it('a coupled method is undone as long as rounding allows', () => {
    // y(t) = s(t) + (1 − s(0)) e^(−kt) with s as above; its derivative by k at k = 5, t = 4, by central differences
    const exact = (k: number): number => {
      const steady = (t: number): number => (k * (k * Math.cos(t) + Math.sin(t))) / (k * k + 1);
      return steady(4) + (1 - steady(0)) * Math.exp(-4 * k);
    };
    const difference = (exact(5 + 1e-5) - exact(5 - 1e-5)) / 2e-5;
    expect(Math.abs(byRate(4, options) / difference - 1)).toBeLessThan(1e-7);
  });

  it('says that going back magnified rounding, and returns no gradient', () => {
    expect(() => byRate(9, options)).toThrow(
      /reversible, backward solve of the gradient: undone, its steps.*magnifies rounding at t = 0.*checkpointed/,
    );
    expect(() => byRate(40, options)).toThrow(SolveError);
  });
});
