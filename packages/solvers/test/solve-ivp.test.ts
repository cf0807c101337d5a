/** `solveIvp`: plain numbers in and out, by the same methods and the same steps as `odeint`. */
import { readFileSync } from 'node:fs';
import { reference } from '@neuralode/backend-reference';
import {
  bosh3,
  dop853,
  euler,
  everyStep,
  FieldError,
  MaxStepsError,
  midpoint,
  NonFiniteError,
  type PlainField,
  radau5,
  rk4,
  type SolveIvpOptions,
  solveIvp,
  StepSizeError,
  trapezoid,
  tsit5,
  vern7,
} from '@neuralode/solvers';
import { ArgumentError, setBackend, stack, type Tensor } from '@neuralode/tensor';
import { describe, expect, it } from 'vitest';
import { largestDifference, logSlope, solve } from './problems.ts';

const lorenz: PlainField<number[]> = (_, [x, y, z]) => [
  10 * (y - x),
  x * (28 - z) - y,
  x * y - (8 / 3) * z,
];
const lorenzOfTensors = (_: Tensor, y: Tensor): Tensor => {
  const [a, b, c] = [y.at(0), y.at(1), y.at(2)];
  return stack([b.sub(a).mul(10), a.mul(c.neg().add(28)).sub(b), a.mul(b).sub(c.mul(8 / 3))]);
};
const turn: PlainField<number[]> = (_, [x, v]) => [v, -x];

describe('beside odeint', () => {
  const times = [0, 0.3, 1.1, 2];
  const settings: readonly SolveIvpOptions[] = [
    {},
    { rtol: 1e-9, atol: 1e-9 },
    { firstStep: 0.01, maxStep: 0.02 },
    { solver: rk4(), stepSize: 0.01 },
    { solver: midpoint(), stepSize: 0.01 },
    { solver: euler(), stepSize: 0.001 },
    { solver: bosh3() },
    { solver: tsit5() },
    // A second error estimate, and stages for the interpolant alone.
    { solver: dop853() },
    { solver: vern7(), rtol: 1e-9, atol: 1e-9 },
  ];
  it.each(settings.map((options, i) => [i, options] as const))(
    'takes the same steps to the same states, forward and backward (%i)',
    async (_, options) => {
      await setBackend(reference());
      for (const ts of [times, times.map((t) => -t / 20)]) {
        const plain = solveIvp(lorenz, [1, 1, 1], ts, options);
        const tensors = solve(lorenzOfTensors, [1, 1, 1], ts, options as object);
        expect(plain.stats).toEqual(tensors.stats);
        expect(plain.ts).toEqual(ts);
        expect(largestDifference(plain.ys as number[][], tensors.rows)).toBeLessThan(1e-9);
      }
    },
  );
});

describe('states', () => {
  it('a number', () => {
    const { ys, stats } = solveIvp((t, y) => y * Math.cos(t), 1, [0, 1, 2], {
      rtol: 1e-10,
      atol: 1e-10,
    });
    expect(ys[0]).toBe(1);
    expect(ys[1]).toBeCloseTo(Math.exp(Math.sin(1)), 8);
    expect(ys[2]).toBeCloseTo(Math.exp(Math.sin(2)), 8);
    expect(stats.status).toBe('success');
  });

  it('an array comes back as arrays, a Float64Array as such; y0 stays as it is', () => {
    const start = new Float64Array([1, 0]);
    const typed = solveIvp(turn, start, [0, Math.PI], { rtol: 1e-10, atol: 1e-10 });
    const plain = solveIvp(turn, [1, 0], [0, Math.PI], { rtol: 1e-10, atol: 1e-10 });
    expect(Array.isArray(plain.ys[1])).toBe(true);
    expect(typed.ys[1]).toBeInstanceOf(Float64Array);
    expect(Array.from(typed.ys[1])).toEqual(plain.ys[1]);
    expect(plain.ys[1][0]).toBeCloseTo(-1, 8);
    expect(Array.from(start)).toEqual([1, 0]);
  });

  it('a field may write its value in place, and spoil what it was given', () => {
    const inPlace: PlainField<number[]> = (_, y, dy) => {
      dy[0] = y[1];
      dy[1] = -y[0];
      y.fill(Number.NaN);
    };
    const given = solveIvp(inPlace, [1, 0], [0, 3]);
    expect(given.ys).toEqual(solveIvp(turn, [1, 0], [0, 3]).ys);
  });

  it('long ones, past the four terms of a pass', () => {
    const n = 101;
    const start = Array.from({ length: n }, (_, i) => i);
    const { ys } = solveIvp((_, y) => y.map((value) => -value), start, [0, 1], { rtol: 1e-10 });
    expect(ys[1][100] / 100).toBeCloseTo(Math.exp(-1), 9);
  });
});

describe('output', () => {
  it('at every step, at every third, and no step differs', () => {
    const all = solveIvp(turn, [1, 0], [0, 5], { output: everyStep() });
    const third = solveIvp(turn, [1, 0], [0, 5], { output: everyStep(3) });
    expect(all.ts).toHaveLength(all.stats.accepted + 1);
    expect(third.stats).toEqual(all.stats);
    const expected = all.ts.filter((_, i) => i % 3 === 0 || i === all.ts.length - 1);
    expect(third.ts).toEqual(expected);
    expect(third.ts.at(-1)).toBe(5);
    all.ts.forEach((t, i) => {
      expect(all.ys[i][0]).toBeCloseTo(Math.cos(t), 4);
    });
  });

  it('anywhere, as accurately as at the steps, in both directions', () => {
    for (const end of [6, -6]) {
      const options = { rtol: 1e-9, atol: 1e-9, dense: true };
      const solution = solveIvp(turn, [1, 0], [0, end], options);
      const ts = Array.from({ length: 200 }, (_, i) => (end * i) / 199);
      const rows = solution.at(ts);
      ts.forEach((t, i) => {
        expect(rows[i][0]).toBeCloseTo(Math.cos(t), 7);
      });
      expect(solution.at(0)).toEqual([1, 0]);
      const last = solution.at(end) as number[];
      expect(largestDifference([last], [solution.ys[1] as number[]])).toBeLessThan(1e-14);
    }
  });

  it('anywhere by the methods whose dense output needs further stages, counted once a step', () => {
    for (const [solver, further] of [
      [dop853(), 3],
      [vern7(), 5],
    ] as const) {
      const options = { solver, rtol: 1e-10, atol: 1e-10 };
      const plain = solveIvp(turn, [1, 0], [0, 6], options);
      const { at, stats } = solveIvp(turn, [1, 0], [0, 6], { ...options, dense: true });
      const ts = Array.from({ length: 200 }, (_, i) => (6 * i) / 199);
      at(ts).forEach(([x], i) => {
        expect(x).toBeCloseTo(Math.cos(ts[i]), 8);
      });
      expect(stats).toEqual({ ...plain.stats, nfe: plain.stats.nfe + further * stats.accepted });
    }
  });

  it('at given times by dense output, whose order is measured', () => {
    const steps = [0.2, 0.1, 0.05, 0.025];
    const errors = steps.map((stepSize) => {
      const options = { solver: rk4(), stepSize, dense: true };
      const { at } = solveIvp(turn, [1, 0], [0, 2], options);
      return Math.abs((at(1.2345 * 0.97) as number[])[0] - Math.cos(1.2345 * 0.97));
    });
    expect(logSlope(steps, errors)).toBeGreaterThan(3);
  });
});

describe('refusals', () => {
  // biome-ignore lint/suspicious/noExplicitAny: what comes from JavaScript has no type
  const untyped = solveIvp as any;
  const refused = (
    run: () => unknown,
    type: new (...args: never[]) => Error,
    message: string,
  ): void => {
    expect(run).toThrow(type);
    expect(run).toThrow(message);
  };

  it('of states and fields that do not fit', () => {
    const fits = "solveIvp: the field's value does not fit the state; got ";
    refused(
      () => untyped(turn, 'a', [0, 1]),
      ArgumentError,
      "solveIvp: y0 must be a number or a list of numbers; got 'a'. Pass an array or a Float64Array; a tree of tensors is for odeint.",
    );
    refused(() => untyped(turn, [[1], [2]], [0, 1]), ArgumentError, 'got [[1], [2]].');
    refused(
      () => solveIvp(() => [1], [1, 0], [0, 1]),
      FieldError,
      `${fits}[1]; expected a list of 2 numbers. Return dy/dt, as long as y, or write it into the third argument.`,
    );
    refused(
      () => untyped(() => 1, [1, 0], [0, 1]),
      FieldError,
      `${fits}1; expected a list of 2 numbers. Return dy/dt, as long as y, or write it into the third argument.`,
    );
    refused(() => untyped(async () => [1, 2], [1, 0], [0, 1]), FieldError, `${fits}a promise`);
    refused(
      () => untyped(() => [1], 1, [0, 1]),
      FieldError,
      `${fits}[1]; expected a number. Return dy/dt, for y0 is a number too.`,
    );
  });

  it('of implicit methods', () => {
    for (const options of [{ solver: radau5() }, { solver: trapezoid(), stepSize: 0.1 }]) {
      refused(
        () => solveIvp(turn, [1, 0], [0, 1], options as object),
        ArgumentError,
        `solveIvp: ${options.solver.tableau.name} is not an explicit Runge-Kutta method. Pass another solver, such as dopri5(), or solve with odeint.`,
      );
    }
  });

  it('of times and options, in its own name', () => {
    refused(
      () => solveIvp(turn, [1, 0], [0, 2, 1]),
      ArgumentError,
      'solveIvp: times must be strictly increasing or strictly decreasing; got 2 before 1 at index 2.',
    );
    refused(
      () => solveIvp(turn, [1, 0], [0, 1], { rtol: 0 }),
      ArgumentError,
      'solveIvp: rtol must be a positive number; got 0.',
    );
    refused(
      () => solveIvp(turn, [1, 0], [0, 1, 2], { output: everyStep() }),
      ArgumentError,
      'solveIvp: with output: everyStep() the steps decide what is kept; got 3 times; expected two, the start and the end.',
    );
    refused(
      () => everyStep(0.5),
      ArgumentError,
      'everyStep: how many steps to go by must be a positive integer; got 0.5.',
    );
    refused(
      () => solveIvp(turn, [1, 0], [0, 1]).at(0.5),
      ArgumentError,
      'solveIvp: at(t) needs the steps, which this solve did not keep. Pass { dense: true }.',
    );
    refused(
      () => solveIvp(turn, [1, 0], [0, 1], { dense: true }).at(1.5),
      ArgumentError,
      'solveIvp, at: the solution is known from t = 0 to t = 1 only; got t = 1.5. Solve further, or evaluate inside.',
    );
  });

  it('of solves that fail on the way', () => {
    refused(
      () => solveIvp((_, y) => y * y, 1, [0, 2]),
      StepSizeError,
      'solveIvp: step size fell to',
    );
    refused(
      () => solveIvp(turn, [1, 0], [0, 100], { maxSteps: 10 }),
      MaxStepsError,
      'solveIvp: 10 steps got only as far as t = ',
    );
    refused(
      () => solveIvp((t, y) => (t > 0.5 ? Number.NaN : -y), 1, [0, 1]),
      NonFiniteError,
      'solveIvp: the field or the state is not finite at t = 0.',
    );
    refused(
      () => solveIvp((_, y) => y, Number.NaN, [0, 1]),
      NonFiniteError,
      'solveIvp: the initial state is not finite at t = 0.',
    );
    refused(
      () =>
        solveIvp((t) => (t > 0.5 ? Number.NaN : 1), 1, [0, 1], { solver: euler(), stepSize: 0.25 }),
      NonFiniteError,
      'solveIvp: the field or the state is not finite after the step from t = 0.75, at t = 1.',
    );
  });
});

it('calls onSolve with the cost', () => {
  const seen: unknown[] = [];
  const { stats } = solveIvp(turn, [1, 0], [0, 1], { onSolve: (each) => seen.push(each) });
  expect(seen).toEqual([stats]);
});

it('needs nothing of tfjs', () => {
  const visited = new Set<string>();
  const visit = (name: string): void => {
    if (visited.has(name)) return;
    visited.add(name);
    const folder = name.replace('@neuralode/', '');
    const manifest = JSON.parse(
      readFileSync(new URL(`../../${folder}/package.json`, import.meta.url), 'utf8'),
    ) as { dependencies?: object; peerDependencies?: object };
    for (const next of Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })) {
      if (next.startsWith('@neuralode/')) visit(next);
      else visited.add(next);
    }
  };
  visit('@neuralode/solvers');
  expect([...visited].sort()).toEqual([
    '@neuralode/autodiff',
    '@neuralode/solvers',
    '@neuralode/tensor',
    'pure-rand',
  ]);
});
