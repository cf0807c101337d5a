/**
 * Gradients of multistep solves against central differences of the solve itself in float64: with respect to the initial
 * state, parameters passed and captured, and the times.
 */
import { grad, hvp, jvp } from '@neuralode/autodiff';
import { reference } from '@neuralode/backend-reference';
import {
  adams,
  adamsBashforth,
  adamsBashforthMoulton,
  type AdaptiveSolver,
  bdf,
  type Course,
  type Field,
  methodOf,
  odeint,
  type SolveStats,
} from '@neuralode/solvers';
import { evaluate, memory, random, setBackend, type Tensor, tensor } from '@neuralode/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { backsolve, direct } from '../src/index.ts';
import { centralGradient, pack, relativeError, unpack } from './numeric.ts';

beforeAll(async () => {
  await setBackend(reference());
});

/** A small time-dependent tanh network; w2 is captured by the field instead of being passed through args. */
const times = [0.1, 0.35, 0.9];
const shapes = [[2, 1], [1, 3], [3, 1], [3], [times.length]];
const rng = random(12);
const x = [...Array.from({ length: 11 }, () => 0.8 * rng.nextNormal()), ...times];
const direction = x.map((_, i) => (i < x.length - times.length ? rng.nextNormal() : 0));

type Options = NonNullable<Parameters<typeof odeint>[3]>;

function loss(options: Options) {
  return (inputs: Tensor[]): Tensor => {
    const [y0, w1, w2, b, ts] = inputs;
    const field = (t: Tensor, y: Tensor, args: { w1: Tensor; b: Tensor }): Tensor =>
      y.matMul(args.w1).add(args.b.mul(t.sin())).tanh().matMul(w2);
    const { ys } = odeint(field as Field<unknown, unknown>, y0, ts, {
      ...options,
      args: { w1, b },
    });
    const weights = random(4).uniform((ys as Tensor).shape, 0.2, 1.2);
    return (ys as Tensor).square().mul(weights).sum();
  };
}

const onHost =
  (options: Options) =>
  (at: readonly number[]): number =>
    evaluate.sync(() => loss(options)(unpack(at, shapes))).itemSync();

const gradientAt = (options: Options, at: readonly number[]): number[] =>
  pack(grad(loss(options)).sync(unpack(at, shapes)));

/**
 * The method on a course that does not see the solution: made-up errors lead it up and down its orders, and the lengths of
 * its steps are made up too. So differences see the formulas and not the step control.
 */
function blindly(solver: AdaptiveSolver): AdaptiveSolver {
  const method = methodOf(solver);
  const course = (): Course => {
    const inner = method.course();
    let turns = 0;
    /** Numbers between 0 and 1 without a visible pattern. */
    const next = (): number => (++turns * 0.6180339887) % 1;
    return {
      begin: (t) => inner.begin(t),
      plan: (t, h) => inner.plan(t, h),
      judged: (h, errors) => {
        inner.judged(
          h,
          errors.map(() => 10 ** (-4 * next())),
          true,
        );
        return 0.01 + 0.03 * next();
      },
    };
  };
  return { kind: 'adaptive', method: { ...method, course } };
}

/** No error is large enough to refuse a step. */
const content = { norm: (errors: unknown) => (errors as Tensor).sum().mul(0), firstStep: 0.01 };
const tight = { rtol: 1e-10, atol: 1e-10 };

const courses = [
  ['adamsBashforth(1)', { solver: adamsBashforth(1), stepSize: 0.09 }],
  ['adamsBashforth(4)', { solver: adamsBashforth(4), stepSize: 0.07 }],
  ['adamsBashforth(8)', { solver: adamsBashforth(8), stepSize: 0.045 }],
  ['adamsBashforthMoulton(5)', { solver: adamsBashforthMoulton(5), stepSize: 0.07 }],
  ['adams()', { solver: blindly(adams()), ...tight, ...content }],
  ['bdf()', { solver: blindly(bdf()), ...tight, ...content }],
] as const;

const stateAndParameters = (gradient: readonly number[]): number[] =>
  gradient.slice(0, -times.length);

describe.each(courses)('%s on a given course', (_, course) => {
  const options = { ...course, gradient: direct() } as Options;
  const along = (s: number): number[] => x.map((value, i) => value + s * direction[i]);

  it('direct() agrees with central differences', () => {
    const expected = centralGradient(onHost(options), x);
    const got = gradientAt(options, x);
    expect(relativeError(stateAndParameters(got), stateAndParameters(expected))).toBeLessThan(1e-8);
  });

  it('forward mode agrees with central differences', () => {
    const moved = jvp.sync(loss(options), [unpack(x, shapes)], [unpack(direction, shapes)]);
    const expected = centralGradient(([s]) => onHost(options)(along(s)), [0]);
    expect(relativeError([moved.tangent.itemSync()], expected)).toBeLessThan(1e-8);
  });

  it('forward over reverse agrees with central differences of the gradient', () => {
    const got = pack(hvp.sync(loss(options), unpack(x, shapes), unpack(direction, shapes)));
    const h = 1e-5;
    const [up, down] = [gradientAt(options, along(h)), gradientAt(options, along(-h))];
    const expected = up.map((each, i) => (each - down[i]) / (2 * h));
    expect(relativeError(stateAndParameters(got), stateAndParameters(expected))).toBeLessThan(1e-6);
  });
});

describe.each([
  ['adams()', adams()],
  ['bdf()', bdf()],
] as const)('%s with tight tolerances', (_, solver) => {
  it.each([
    ['direct()', direct()],
    ['backsolve()', backsolve()],
    ['backsolve({ atol })', backsolve({ atol: 1e-11 })],
  ])('%s agrees with central differences, by the times too', (_name, gradient) => {
    const options = { solver, ...tight, gradient } as Options;
    const exact = { solver: adams(), ...tight } as Options;
    const expected = centralGradient(onHost(exact), x, 1e-4);
    expect(relativeError(gradientAt(options, x), expected)).toBeLessThan(1e-6);
  });

  it('leaves nothing behind, and counts what its reverse mode costs', async () => {
    const backend = await setBackend(reference());
    const passes: SolveStats[] = [];
    const onSolve = (stats: SolveStats): void => void passes.push(stats);
    const end = (y0: Tensor): Tensor =>
      odeint((_t, y) => y.square().neg(), y0, [0, 0.4, 1], {
        solver,
        gradient: direct(),
        onSolve,
      }).ys.sum();
    const y0 = tensor([1, 2]);
    const before = memory(backend).liveBuffers;
    const gradient = grad(end).sync(y0);
    const values = gradient.dataSync();
    // y(t) = y₀/(1 + t y₀), and its derivative (1 + t y₀)⁻²
    [1, 2].forEach((start, i) => {
      const exact = [0, 0.4, 1].reduce((sum, t) => sum + (1 + t * start) ** -2, 0);
      expect(Math.abs(values[i] - exact)).toBeLessThan(1e-4);
    });
    gradient.dispose();
    expect(memory(backend).liveBuffers).toBe(before);
    const [forward, backward] = passes;
    expect(backward.jacobians).toBe(forward.jacobians > 0 ? forward.accepted : 0);
  });
});
