/** A method is data: what a user writes down as a tableau runs like the ones that come with the package. */
import { reference } from '@neuralode/backend-reference';
import {
  type AdaptiveSolver,
  dopri5,
  type FixedStepSolver,
  type OdeintOptions,
  odeint,
  rk4,
  type Tableau,
} from '@neuralode/solvers';
import { setBackend, tensor } from '@neuralode/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { decay, largestDifference, liveBuffersLeft, problems, solve } from './problems.ts';

/** Not FSAL, though adaptive: its first stage must be evaluated for the first step alone. */
const heunEuler: Tableau = {
  name: 'heun-euler',
  order: 2,
  c: [0, 1],
  a: [[], [1]],
  b: [1 / 2, 1 / 2],
  error: [-1 / 2, 1 / 2],
  errorOrder: 1,
  fsal: false,
  interpolant: [
    [1, -1 / 2],
    [0, 1 / 2],
  ],
  interpolantOrder: 2,
};

/** Bogacki-Shampine 3(2), with cubic Hermite interpolation. */
const bosh3: Tableau = {
  name: 'bosh3',
  order: 3,
  c: [0, 1 / 2, 3 / 4, 1],
  a: [[], [1 / 2], [0, 3 / 4], [2 / 9, 1 / 3, 4 / 9]],
  b: [2 / 9, 1 / 3, 4 / 9, 0],
  error: [-5 / 72, 1 / 12, 1 / 9, -1 / 8],
  errorOrder: 2,
  fsal: true,
  interpolant: [
    [1, -4 / 3, 5 / 9],
    [0, 1, -2 / 3],
    [0, 4 / 3, -8 / 9],
    [0, -1, 1],
  ],
  interpolantOrder: 3,
};

beforeAll(async () => {
  await setBackend(reference());
});

describe.each([heunEuler, bosh3])('$name', (tableau) => {
  const solver: AdaptiveSolver = { kind: 'adaptive', tableau };

  it.each(problems)(
    'meets its tolerance, between steps too: $name',
    ({ field, exact, interval }) => {
      const [from, to] = interval;
      const times = [from, from + 0.3, to - 0.123, to];
      const { rows, stats } = solve(field, exact(from), times, { solver, rtol: 1e-5, atol: 1e-5 });
      expect(largestDifference(rows, times.map(exact))).toBeLessThan(2e-4);
      const attempts = stats.accepted + stats.rejected;
      expect(stats.nfe).toBe(2 + (tableau.fsal ? 3 : 2) * attempts);
    },
  );

  it('leaves nothing behind', async () => {
    const solving = liveBuffersLeft([1, 2], (y0) => odeint(decay, y0, [0, 0.4, 1], { solver }));
    expect(await solving).toEqual({ left: 0 });
    await setBackend(reference());
  });
});

it('an adaptive method takes fixed steps where it is told to', () => {
  const solver: FixedStepSolver = { kind: 'fixed', tableau: dopri5().tableau };
  const { field, exact, interval } = problems[2];
  const times = [...interval];
  const fixed = solve(field, exact(0), times, { solver, stepSize: 1.5 / 32 });
  const h = 1.5 / 32;
  const held = solve(field, exact(0), times, { firstStep: h, maxStep: h, rtol: 1e6, atol: 1e6 });
  expect(largestDifference(fixed.rows, held.rows)).toBeLessThan(1e-15);
  expect(fixed.stats).toMatchObject({ accepted: 32, nfe: 1 + 6 * 32 });
});

it('an adaptive method needs an error estimate', () => {
  const solver: AdaptiveSolver = { kind: 'adaptive', tableau: rk4().tableau };
  expect(() => solve(decay, [1], [0, 1], { solver })).toThrow(
    "odeint: rk4 has no error estimate to choose its steps by. Give its tableau error and errorOrder, or make it a solver of kind 'fixed'.",
  );
});

it('a controller must make sense', () => {
  const sound = { alpha: 0.2, beta: 0, safety: 0.9, minFactor: 0.2, maxFactor: 10 };
  const run = (controller: object): unknown =>
    odeint.sync(decay, tensor([1]), [0, 1], { controller } as OdeintOptions<undefined>);
  expect(run(sound)).toBeDefined();
  const wrong = { alpha: 0, beta: Number.NaN, safety: 2, minFactor: 1, maxFactor: Number.NaN };
  for (const [name, value] of [...Object.entries(wrong), ['alpha', undefined] as const]) {
    expect(() => run({ ...sound, [name]: value })).toThrow(
      /^odeint: a controller without sense; got \{.*\}; expected alpha > 0, .*\. Pass such as pi42\(\), or start from integralController\(errorOrder\)\.$/,
    );
  }
});
