/**
 * Gradients of implicit solves against central differences of the solve itself in float64: with respect to the initial
 * state, parameters passed and captured, and the times.
 */
import { grad, hvp, jvp } from '@neuralode/autodiff';
import { reference } from '@neuralode/backend-reference';
import {
  backwardEuler,
  gaussLegendre4,
  gaussLegendre6,
  gmres,
  implicitMidpoint,
  kvaerno3,
  kvaerno4,
  kvaerno5,
  type OdeintOptions,
  odeint,
  radau3,
  radau5,
  rodas4,
  type SolveStats,
  trapezoid,
} from '@neuralode/solvers';
import {
  concat,
  evaluate,
  memory,
  random,
  setBackend,
  type Tensor,
  tensor,
} from '@neuralode/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { backsolve, checkpointed, direct, forward, interpolated } from '../src/index.ts';
import { centralGradient, pack, relativeError, unpack } from './numeric.ts';

beforeAll(async () => {
  await setBackend(reference());
});

/** A small time-dependent tanh network; w2 is captured by the field instead of being passed through args. */
const times = [0.1, 0.35, 0.9];
const shapes = [[2, 1], [1, 3], [3, 1], [3], [times.length]];
const rng = random(12);
const x = [...Array.from({ length: 11 }, () => 0.8 * rng.nextNormal()), ...times];
const direction = x.map(() => rng.nextNormal());

type Options = OdeintOptions<{ w1: Tensor; b: Tensor }>;

function loss(options: Options) {
  return (inputs: Tensor[]): Tensor => {
    const [y0, w1, w2, b, ts] = inputs;
    const field = (t: Tensor, y: Tensor, args: { w1: Tensor; b: Tensor }): Tensor =>
      y.matMul(args.w1).add(args.b.mul(t.sin())).tanh().matMul(w2);
    const { ys } = odeint(field, y0, ts, { ...options, args: { w1, b } });
    const weights = random(4).uniform(ys.shape, 0.2, 1.2);
    return ys.square().mul(weights).sum();
  };
}

const onHost =
  (options: Options) =>
  (at: readonly number[]): number =>
    evaluate.sync(() => loss(options)(unpack(at, shapes))).itemSync();

const gradientAt = (options: Options, at: readonly number[]): number[] =>
  pack(grad(loss(options)).sync(unpack(at, shapes)));

const makers = [
  backwardEuler,
  implicitMidpoint,
  trapezoid,
  gaussLegendre4,
  gaussLegendre6,
  radau3,
  radau5,
  kvaerno3,
  kvaerno4,
  kvaerno5,
  rodas4,
] as const;

/** Of the same tableau with fixed steps: differences must not see the step control. */
const tableaus = [undefined, gmres()].flatMap((linearSolver) =>
  makers.map((make) => {
    const { tableau } = make({ ...(linearSolver && { linearSolver }) });
    return [`${tableau.name}${linearSolver ? ' by GMRES' : ''}`, tableau] as const;
  }),
);

// What a fixed step does with the last time is not what `direct` does (a shorter last step, against all steps in
// proportion): the times are compared in the adaptive solves below.
const withoutTimes = (gradient: readonly number[]): number[] => gradient.slice(0, -times.length);

describe.each(tableaus)('%s in fixed steps', (_, tableau) => {
  const options: Options = {
    solver: { kind: 'fixed', tableau },
    stepSize: 0.09,
    gradient: direct(),
  };
  const along = (s: readonly number[]): number[] =>
    x.map((value, i) => value + (i < x.length - times.length ? s[0] * direction[i] : 0));
  const still = direction.map((each, i) => (i < x.length - times.length ? each : 0));

  it('direct() agrees with central differences', () => {
    const expected = centralGradient(onHost(options), x);
    const got = gradientAt(options, x);
    expect(relativeError(withoutTimes(got), withoutTimes(expected))).toBeLessThan(1e-8);
  });

  it('forward mode agrees with central differences', () => {
    const { tangent } = jvp.sync(loss(options), [unpack(x, shapes)], [unpack(still, shapes)]);
    const expected = centralGradient((s) => onHost(options)(along(s)), [0]);
    expect(relativeError([tangent.itemSync()], expected)).toBeLessThan(1e-8);
  });

  it('forward over reverse agrees with central differences of the gradient', () => {
    const got = pack(hvp.sync(loss(options), unpack(x, shapes), unpack(still, shapes)));
    const h = 1e-5;
    const [up, down] = [gradientAt(options, along([h])), gradientAt(options, along([-h]))];
    const expected = up.map((each, i) => (each - down[i]) / (2 * h));
    expect(relativeError(withoutTimes(got), withoutTimes(expected))).toBeLessThan(1e-6);
  });
});

describe.each([
  ['radau5', radau5()],
  ['kvaerno5', kvaerno5()],
  ['rodas4', rodas4()],
  ['radau5 by GMRES', radau5({ linearSolver: gmres() })],
  ['kvaerno5 by GMRES', kvaerno5({ linearSolver: gmres() })],
] as const)('%s with tight tolerances', (_, solver) => {
  it.each([
    ['direct()', direct()],
    ['backsolve()', backsolve()],
    ['interpolated()', interpolated()],
  ])('%s agrees with central differences, by the times too', (_name, gradient) => {
    const options: Options = { solver, rtol: 1e-10, atol: 1e-10, gradient };
    const expected = centralGradient(onHost(options), x, 1e-4);
    expect(relativeError(gradientAt(options, x), expected)).toBeLessThan(1e-6);
  });
});

describe('a stiff solve: van der Pol, mu = 100', () => {
  const field = (_: Tensor, y: Tensor, mu: Tensor): Tensor => {
    const [position, speed] = [y.slice([0], [1]), y.slice([1], [1])];
    const push = position.square().neg().add(1).mul(speed).mul(mu);
    return concat([speed, push.sub(position)]);
  };
  const slow = [0, 20, 50];
  const sumOf = (
    [y0, mu]: Tensor[],
    options: OdeintOptions<Tensor>,
    ts: readonly number[] = slow,
  ): Tensor => {
    const { ys } = odeint(field, y0, ts, { ...options, args: mu });
    return ys.slice([1]).sum();
  };
  const at = [1.9, -0.006, 100];
  const sizes = [[2], [1]];
  const solver = radau5();

  // Backwards in time this field is violently unstable: only observations close to one another, at each of which the
  // state is put back, let the continuous adjoint through.
  const dense = Array.from({ length: 21 }, (_, i) => 0.01 * i);

  it.each([
    ['radau5 with direct()', solver, direct(), slow, 1e-5],
    ['radau5 with checkpointed()', solver, checkpointed({ budget: 3 }), slow, 1e-5],
    ['radau5 with forward()', solver, forward(), slow, 1e-5],
    ['radau5 with interpolated()', solver, interpolated(), slow, 1e-5],
    ['radau5 with backsolve()', solver, backsolve(), dense, 1e-5],
  ] as const)('%s', (_, stiffSolver, gradient, ts, within) => {
    const options: OdeintOptions<Tensor> = {
      solver: stiffSolver,
      rtol: 1e-9,
      atol: 1e-9,
      gradient,
    };
    const value = (flat: readonly number[]): number =>
      evaluate.sync(() => sumOf(unpack(flat, sizes), options, ts)).itemSync();
    const expected = centralGradient(value, at, 1e-4);
    const got = pack(grad((given: Tensor[]) => sumOf(given, options, ts)).sync(unpack(at, sizes)));
    expect(relativeError(got, expected)).toBeLessThan(within);
  });

  it('leaves nothing behind', async () => {
    const backend = await setBackend(reference());
    const inputs = [tensor([1.9, -0.006]), tensor([100])];
    const before = memory(backend).liveBuffers;
    const gradients = grad((given: Tensor[]) => sumOf(given, { solver, gradient: direct() })).sync(
      inputs,
    );
    for (const each of gradients) each.dispose();
    expect(memory(backend).liveBuffers).toBe(before);
  });

  it('counts Jacobians in both passes', () => {
    const passes: SolveStats[] = [];
    const onSolve = (stats: SolveStats): void => void passes.push(stats);
    const options = { solver, gradient: direct(), onSolve };
    grad((given: Tensor[]) => sumOf(given, options)).sync(unpack(at, sizes));
    const [forward, backward] = passes;
    expect(forward.jacobians).toBeGreaterThan(0);
    expect(forward.jacobians).toBeLessThanOrEqual(forward.factorisations);
    expect(backward.jacobians).toBe(3 * forward.accepted);
    expect(backward.factorisations).toBe(forward.accepted);
  });
});
