/** Methods whose steps can be undone: order on pairs, energy over long times, and the way back. */
import { reference } from '@neuralode/backend-reference';
import {
  alf,
  controlOf,
  coupled,
  dopri5,
  everyStep,
  leapfrog,
  methodOf,
  odeint,
  type OdeSolveAttrs,
  radau5,
  reversibleHeun,
  rk4,
  type Solver,
  stepGraphs,
  symplecticEuler,
} from '@neuralode/solvers';
import {
  ArgumentError,
  evaluate,
  inline,
  record,
  setBackend,
  type Tensor,
  tensor,
} from '@neuralode/tensor';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { logSlope } from './problems.ts';

beforeAll(() => setBackend(reference()));

const vector = (...values: number[]): Tensor => tensor(Float64Array.from(values));

interface PairProblem {
  readonly name: string;
  readonly field: (t: Tensor, y: readonly [Tensor, Tensor]) => [Tensor, Tensor];
  readonly exact: (t: number) => readonly [number[], number[]];
  readonly to: number;
}

/** The lemniscate: q̇ = p, ṗ = −2q³ with q(0) = 0, p(0) = 1 is the lemniscate sine, here by its series. */
function lemniscateSine(t: number): number {
  // sl t = Σ aₙ t^(4n+1): from sl″ = −2 sl³ the coefficients follow by recursion.
  const a = [1];
  for (let n = 1; n < 14; n++) {
    let cube = 0;
    for (let i = 0; i < n; i++) {
      for (let j = 0; i + j < n; j++) cube += a[i] * a[j] * a[n - 1 - i - j];
    }
    a.push((-2 * cube) / ((4 * n + 1) * (4 * n)));
  }
  return a.reduce((sum, c, n) => sum + c * t ** (4 * n + 1), 0);
}

const problems: readonly PairProblem[] = [
  {
    name: 'a harmonic oscillator from three phases',
    field: (_, [q, p]) => [p, q.mul(-4)],
    exact: (t) => {
      const at = [0, 0.7, 1.9].map((phase) => 2 * t + phase);
      return [at.map(Math.sin), at.map((x) => 2 * Math.cos(x))];
    },
    to: 1.1,
  },
  {
    name: 'a force of time, and a mass of time',
    // p = e^t sin t, q̇ = p e^{−t} = sin t.
    field: (t, [q, p]) => [p.mul(t.neg().exp()), q.mul(0).add(t.exp().mul(t.sin().add(t.cos())))],
    exact: (t) => [[1 - Math.cos(t)], [Math.exp(t) * Math.sin(t)]],
    to: 1,
  },
  {
    name: 'a quartic oscillator',
    field: (_, [q, p]) => [p, q.mul(q).mul(q).mul(-2)],
    exact: (t) => {
      const s = lemniscateSine(t);
      return [[s], [Math.sqrt(1 - s ** 4)]];
    },
    to: 0.8,
  },
];

const methods = [
  ['symplecticEuler', symplecticEuler(), 1],
  ['leapfrog', leapfrog(), 2],
] as const;

function errors(
  problem: PairProblem,
  solver: (typeof methods)[number][1],
  count: number,
  sign: 1 | -1,
) {
  const [from, to] = sign > 0 ? [0, problem.to] : [problem.to, 0];
  const h = (to - from) / count;
  const inside = Array.from({ length: count }, (_, i) => from + (i + 0.37) * h);
  const [q, p] = problem.exact(from);
  const { ys } = odeint.sync(
    problem.field,
    [vector(...q), vector(...p)] as const,
    [from, ...inside, to],
    {
      solver,
      stepSize: Math.abs(h),
    },
  );
  const size = q.length;
  const [qs, ps] = ys.map((each) => each.dataSync());
  const errorAt = (row: number, t: number): number => {
    const exact = problem.exact(t);
    return Math.hypot(
      ...exact[0].map((value, i) => qs[row * size + i] - value),
      ...exact[1].map((value, i) => ps[row * size + i] - value),
    );
  };
  return {
    end: errorAt(count + 1, to),
    dense: Math.max(...inside.map((t, i) => errorAt(i + 1, t))),
  };
}

describe.each(methods)('%s', (_, solver, order) => {
  it.each(problems)('converges with its order on $name', (problem) => {
    for (const sign of [1, -1] as const) {
      const counts = [32, 64, 128];
      const found = counts.map((count) => errors(problem, solver, count, sign));
      const steps = counts.map((count) => 1 / count);
      for (const of of ['end', 'dense'] as const) {
        const slope = logSlope(
          steps,
          found.map((each) => each[of]),
        );
        expect(Math.abs(slope - order)).toBeLessThan(0.15);
      }
    }
  });

  it('keeps the energy of a pendulum for ten thousand steps', () => {
    const energies = (stepSize: number): number => {
      const { ys } = odeint.sync(
        (_t: Tensor, [q, p]: readonly [Tensor, Tensor]) => [p, q.sin().neg()] as const,
        [vector(1), vector(0)] as const,
        [0, 10_000 * stepSize],
        { solver, stepSize, output: everyStep(7) },
      );
      const [qs, ps] = ys.map((each) => each.dataSync());
      const drift = [...qs].map((q, i) => ps[i] ** 2 / 2 - Math.cos(q) + Math.cos(1));
      return Math.max(...drift.map(Math.abs));
    };
    // Bounded by a constant times h^order; a method of order 2 that is not symplectic drifts by t h².
    const [coarse, fine] = [energies(0.1), energies(0.05)];
    expect(coarse).toBeLessThan(order === 1 ? 0.1 : 0.002);
    expect(Math.abs(Math.log2(coarse / fine) - order)).toBeLessThan(0.3);
  });

  it('refuses a state that is no pair', () => {
    const call = (y0: unknown): unknown =>
      odeint.sync((_t: Tensor, y: unknown) => y as never, y0 as never, [0, 1], {
        solver,
        stepSize: 0.1,
      });
    expect(() => call(vector(1, 2))).toThrow(ArgumentError);
    expect(() => call(vector(1, 2))).toThrow(/state is no pair.*\[q, p\]/);
    expect(() => call([vector(1, 2), vector(1)])).toThrow(/differ in shape/);
  });
});

/** A step, and the way back: both by the method's own graphs, from any memory. */
function thereAndBack(
  solver: Solver,
  pair: boolean,
  numbers: readonly number[],
  h: number,
): number {
  const method = methodOf(solver);
  const leaf = { shape: [2], dtype: 'float64' } as const;
  const scalar = { shape: [], dtype: 'float64' } as const;
  const body = record([scalar, leaf, leaf], (t, q, p) =>
    pair ? [p.tanh().mul(t.add(1)), q.sin().sub(q)] : [p.tanh().mul(q), q.sin().sub(p.mul(t))],
  ).graph;
  const attrs: OdeSolveAttrs = {
    body,
    leaves: 2,
    times: [0, 1],
    jumps: [undefined, undefined],
    steered: [true, true],
    ...(pair && { positions: [true, false] }),
    method,
    control: controlOf({ kind: 'fixed', method } as Solver, { stepSize: 0.1 }),
    pass: 'forward',
  };
  const { kind } = method.course().plan(0, h);
  const { step, reverse } = stepGraphs(attrs).of(kind);
  if (reverse === undefined) throw new Error('not reversible');
  const groups = Array.from({ length: 1 + method.memory }, (_, g) => [
    vector(...numbers.slice(4 * g, 4 * g + 2)),
    vector(...numbers.slice(4 * g + 2, 4 * g + 4)),
  ]).flat();
  const [time, length] = [tensor(Float64Array.of(0.3)).at(0), tensor(Float64Array.of(h)).at(0)];
  const back = evaluate.sync(() => {
    const outputs = inline(step, [time, length, ...groups]);
    return inline(reverse, [time, length, ...outputs.slice(0, 2 * (1 + method.memory))]);
  });
  // Of leapfrog's memory only the momenta's part counts.
  const counted = pair ? [0, 1, 3] : back.map((_, i) => i);
  return Math.max(
    ...counted
      .filter((i) => i < back.length)
      .flatMap((i) => {
        const [got, expected] = [back[i].dataSync(), groups[i].dataSync()];
        return [...got].map((value, j) => Math.abs(value - expected[j]));
      }),
  );
}

describe.each([
  ['symplecticEuler', symplecticEuler(), true],
  ['alf', alf({ adaptive: false }), false],
  ['damped alf', alf({ adaptive: false, damping: 0.8 }), false],
  ['coupled rk4', coupled(rk4()), false],
  ['coupled dopri5', coupled(dopri5(), { coupling: 0.9 }), false],
] as const)('%s', (_, solver, pair) => {
  it('undoes a step to rounding', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -2, max: 2, noNaN: true }), { minLength: 12, maxLength: 12 }),
        fc.double({ min: -0.5, max: 0.5, noNaN: true }),
        (numbers, h) => {
          expect(thereAndBack(solver, pair, numbers, h)).toBeLessThan(5e-14);
        },
      ),
      { numRuns: 50 },
    );
  });
});

/** The memory of these is not any: part of it is the field itself, here as the steps above have it at t = 0.3. */
it.each([
  ['leapfrog', leapfrog(), true, ([a, b]: number[]) => [0, 0, Math.sin(a) - a, Math.sin(b) - b]],
  [
    'reversibleHeun',
    reversibleHeun({ adaptive: false }),
    false,
    ([, , , , a, b, c, d]: number[]) => [
      ...[a, b, c, d],
      ...[Math.tanh(c) * a, Math.tanh(d) * b, Math.sin(a) - 0.3 * c, Math.sin(b) - 0.3 * d],
    ],
  ],
] as const)('undoes a step of %s to rounding', (_, solver, pair, memoryOf) => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: -2, max: 2, noNaN: true }), { minLength: 8, maxLength: 8 }),
      fc.double({ min: -0.5, max: 0.5, noNaN: true }),
      (numbers, h) => {
        const all = [...numbers.slice(0, 4), ...memoryOf(numbers)];
        expect(thereAndBack(solver, pair, all, h)).toBeLessThan(5e-14);
      },
    ),
    { numRuns: 50 },
  );
});

it('refuses a damping at which a step cannot be undone', () => {
  expect(() => alf({ damping: 0.5 })).toThrow(/damping/);
  expect(() => alf({ damping: 1.5 })).toThrow(ArgumentError);
});

it('refuses a coupling at which a step cannot be undone, and a base without explicit stages', () => {
  expect(() => coupled(rk4(), { coupling: 0 })).toThrow(/coupling must lie above 0.*got 0/);
  expect(() => coupled(rk4(), { coupling: 1.1 })).toThrow(ArgumentError);
  expect(() => coupled(radau5())).toThrow(/no explicit Runge-Kutta method.*radau5/);
  expect(() => coupled(alf())).toThrow(/no explicit Runge-Kutta method.*alf/);
  expect(() => coupled(rk4(), { couple: 0.9 } as object)).toThrow(/coupled.*couple/);
});

it('stays stable where a field contracts, in small steps, as alf does not', () => {
  const end = (solver: Solver): number =>
    odeint
      .sync((_, y) => y.mul(-20), tensor(Float64Array.of(1)), [0, 4], {
        solver,
        stepSize: 0.002,
      } as never)
      .ys.at(-1)
      .dataSync()[0];
  expect(Math.abs(end(coupled(rk4(), { coupling: 0.9 })))).toBeLessThan(1e-12);
  expect(Math.abs(end(alf({ adaptive: false })))).toBeGreaterThan(1);
});

it('counts the evaluations of the base twice, and none for the beginning', () => {
  const run = (solver: Solver, options: object) =>
    odeint.sync((_, y) => y.sin(), tensor([1, 2]), [0, 1], { solver, ...options } as never).stats;
  expect(run(coupled(rk4()), { stepSize: 0.1 }).nfe).toBe(10 * 8);
  const { accepted, nfe } = run(coupled(dopri5()), { rtol: 1, atol: 1, firstStep: 0.1 });
  expect(nfe).toBe(accepted * (7 + 6));
});

it('is refused by a batched solve', () => {
  expect(() =>
    odeint.sync((_, y) => y, tensor([[1], [2]]), [0, 1], { solver: alf(), batched: true }),
  ).toThrow(/alf is not a Runge-Kutta method/);
});
