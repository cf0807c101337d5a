/**
 * Adams methods and backward differentiation as the solver runs them: order, stability, and what every solve must be able
 * to do, by methods that remember earlier steps.
 */
import { reference } from '@neuralode/backend-reference';
import {
  adams,
  adamsBashforth,
  adamsBashforthMoulton,
  bdf,
  everyStep,
  type Field,
  type FixedStepSolver,
  odeint,
  type OdeintOptions,
  pi42,
  solveIvp,
} from '@neuralode/solvers';
import { concat, setBackend, type Tensor, tensor, where } from '@neuralode/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { families } from './families.ts';
import {
  decay,
  largestDifference,
  liveBuffersLeft,
  logSlope,
  lotkaVolterra,
  problems,
  solve,
  swirl,
} from './problems.ts';

const orders = Array.from({ length: 12 }, (_, i) => i + 1);
const fixed = [
  ['adamsBashforth', adamsBashforth],
  ['adamsBashforthMoulton', adamsBashforthMoulton],
] as const;
const adaptive = [
  ['adams', adams()],
  ['bdf', bdf()],
] as const;

beforeAll(async () => {
  await setBackend(reference());
});

/** dy/dt = t^power: the exact solution of a method whose formulas are exact for it. */
const power =
  (exponent: number): Field<Tensor> =>
  (t, y) =>
    y.mul(0).add(exponent === 0 ? 1 : t.pow(exponent));

describe.each(fixed)('%s, in fixed steps', (name, make) => {
  it.each(orders)(
    'order %d integrates polynomials of that degree, however steps are cut',
    (order) => {
      const options = { solver: make(order), stepSize: 0.05, stepAt: [0.31, 0.311, 0.6234567] };
      const exponent = order - 1;
      const times = [0, 0.23, 0.5, 0.63, 0.99];
      for (const sign of [1, -1]) {
        const { rows } = solve(
          power(exponent),
          [0],
          times.map((t) => sign * t),
          options,
        );
        rows.forEach(([value], i) => {
          const exact = (sign * times[i]) ** order / order;
          expect(Math.abs(value - exact)).toBeLessThan(1e-11);
        });
      }
    },
  );

  it.each(orders.slice(4))('order %d errs by its constant on the next degree', (order) => {
    const [count, h] = [order + 8, 0.25];
    const times = [0, count * h];
    const { rows, stats } = solve(power(order), [0], times, { solver: make(order), stepSize: h });
    expect(stats.accepted).toBe(count);
    // Hairer, Nørsett, Wanner I, section III.1: γₖ and γ*ₖ, from their generating functions
    const gamma = name === 'adamsBashforth' ? bashforthConstant(order) : moultonConstant(order);
    const steps = count - (order - 1);
    const factorial = Array.from({ length: order }, (_, i) => i + 1).reduce((a, b) => a * b);
    const error = gamma * factorial * h ** (order + 1) * steps;
    const exact = times[1] ** (order + 1) / (order + 1);
    expect((exact - rows[1][0]) / error).toBeCloseTo(1, 4);
  });

  it.each(orders.slice(0, 6))('order %d shows', (order) => {
    const from = name === 'adamsBashforth' ? 72 : 96;
    for (const problem of families) {
      for (const interval of [problem.interval, problem.interval.toReversed()]) {
        const counts = [from, Math.round(1.15 * from), Math.round(1.3 * from)];
        const errors = counts.map((count) => errorsOf(make(order), problem, interval, count));
        const sizes = counts.map((count) => 1 / count);
        const end = logSlope(
          sizes,
          errors.map((each) => each.end),
        );
        const dense = logSlope(
          sizes,
          errors.map((each) => each.dense),
        );
        const where = `${problem.name} from ${interval[0]}`;
        expect.soft(Math.abs(end - order), `${where}: ${end}`).toBeLessThan(0.15);
        expect.soft(Math.abs(dense - order), `${where}, dense: ${dense}`).toBeLessThan(0.15);
      }
    }
  });

  it('takes one evaluation a step, or two, once it has begun', () => {
    const perStep = name === 'adamsBashforth' ? 1 : 2;
    const nfe = (count: number): number =>
      solve(decay, [1], [0, count], { solver: make(4), stepSize: 1 / 8 }).stats.nfe;
    expect(nfe(2) - nfe(1)).toBe(8 * perStep);
  });

  it('refuses an order that it does not have', () => {
    for (const order of [0, 13, 2.5, Number.NaN]) {
      expect(() => make(order)).toThrow(`${name}: the order must be a whole number from 1 to 12`);
    }
  });
});

/** γₖ = ∫₀¹ s (s + 1) … (s + k − 1)/k! ds, and γ*ₖ with s − 1 for s. */
function integralOf(product: (s: number) => number): number {
  // Simpson's rule on 2000 intervals, for a polynomial of degree 12 at most
  const count = 2000;
  let sum = product(0) + product(1);
  for (let i = 1; i < count; i++) sum += product(i / count) * (i % 2 === 0 ? 2 : 4);
  return sum / (3 * count);
}

const rising = (s: number, order: number): number =>
  Array.from({ length: order }, (_, i) => (s + i) / (i + 1)).reduce((a, b) => a * b, 1);
const bashforthConstant = (order: number): number => integralOf((s) => rising(s, order));
const moultonConstant = (order: number): number => integralOf((s) => rising(s - 1, order));

function errorsOf(
  solver: FixedStepSolver,
  { field, exact }: (typeof families)[number],
  [from, to]: readonly number[],
  count: number,
): { end: number; dense: number } {
  const h = (to - from) / count;
  const inside = Array.from({ length: count }, (_, i) => from + (i + 0.4) * h);
  const times = [from, ...inside, to];
  const { rows } = solve(field, exact(from), times, { solver, stepSize: Math.abs(h) });
  const errors = rows.map((row, i) => {
    const truth = exact(times[i]);
    return Math.hypot(...row.map((value, j) => value - truth[j]));
  });
  return { end: errors.at(-1) as number, dense: Math.hypot(...errors.slice(1, -1)) / count ** 0.5 };
}

// Hairer, Wanner II, section V.1: where −h λ may lie
it.each([
  [1, 2],
  [2, 1],
  [3, 6 / 11],
  [4, 3 / 10],
  [5, 90 / 551],
])('adamsBashforth(%d) is stable up to h λ = −%d', (order, limit) => {
  const largest = (z: number): number => {
    const times = [0, 300, 400];
    const field: Field<Tensor> = (_, y) => y.mul(-z);
    const { rows } = solve(field, [1], times, { solver: adamsBashforth(order), stepSize: 1 });
    return Math.abs(rows[2][0] / rows[1][0]);
  };
  expect(largest(0.98 * limit)).toBeLessThan(0.7);
  expect(largest(1.02 * limit)).toBeGreaterThan(1.4);
});

describe.each(adaptive)('%s', (name, solver) => {
  it.each(problems)('meets its tolerance, between steps too, both ways: $name', (problem) => {
    for (const interval of [problem.interval, problem.interval.toReversed()]) {
      const [from, to] = interval;
      const times = Array.from({ length: 31 }, (_, i) => from + ((to - from) * i) / 30);
      for (const rtol of [1e-4, 1e-7, 1e-10]) {
        const { rows } = solve(problem.field, problem.exact(from), times, {
          solver,
          rtol,
          atol: rtol,
        });
        expect(largestDifference(rows, times.map(problem.exact))).toBeLessThan(100 * rtol);
      }
    }
  });

  it('does not let its steps depend on how many times are asked for', () => {
    const many = Array.from({ length: 101 }, (_, i) => i / 20);
    const [few, all] = [[0, 5], many].map((times) =>
      solve(lotkaVolterra, [1, 1], times, { solver }),
    );
    expect(all.stats.nfe).toBe(few.stats.nfe);
    expect(all.rows.at(-1)).toEqual(few.rows.at(-1));
  });

  it('lands where it is told, and crosses no discontinuity', () => {
    const field: Field<Tensor> = (t, y) => where(t.less(1), y.neg(), y.mul(2));
    const options = { solver, rtol: 1e-8, atol: 1e-8 };
    const exact = Math.exp(-1 + 2);
    const jumped = solve(field, [1], [0, 2], { ...options, jumpAt: [1] });
    expect(Math.abs(jumped.rows[1][0] - exact)).toBeLessThan(5e-6);
    const unaware = solve(field, [1], [0, 2], options);
    expect(jumped.stats.rejected).toBeLessThan(unaware.stats.rejected);
    // Slivers of steps cost neither accuracy nor many steps.
    const stepAt = Array.from({ length: 20 }, (_, i) => 0.1 * i + 0.05).flatMap((t) => [
      t,
      t + 1e-7,
    ]);
    const landed = solve(swirl.field, swirl.exact(0), [0, 2], { ...options, stepAt });
    expect(largestDifference([landed.rows[1]], [swirl.exact(2)])).toBeLessThan(5e-6);
    expect(landed.stats.accepted).toBeLessThan(400);
  });

  it('keeps its steps for a solution that can be evaluated anywhere', () => {
    const { at, ts } = odeint.sync(swirl.field, tensor(swirl.exact(0)), [0, 1.5], {
      solver,
      rtol: 1e-8,
      atol: 1e-10,
      dense: true,
      output: everyStep(),
    });
    const middles = ts.slice(1).map((t, i) => (t + ts[i]) / 2);
    const values = middles.map((t) => at.sync(t).arraySync() as number[]);
    expect(largestDifference(values, middles.map(swirl.exact))).toBeLessThan(1e-6);
    const inOne = at.sync(middles).arraySync() as number[][];
    expect(largestDifference(inOne, values)).toBe(0);
    const few = middles.slice(0, 8);
    const byTensor = few.map((t) => at.sync(tensor(t)).arraySync() as number[]);
    expect(largestDifference(byTensor, values.slice(0, 8))).toBeLessThan(1e-14);
  });

  it('finds events, and begins afresh where they change the state', async () => {
    const fall: Field<Tensor> = (_, y) =>
      concat([y.slice([1], [1]), y.slice([1], [1]).mul(0).sub(9.81)]);
    const { events } = await odeint(fall, tensor([10, 0]), [0, 5], {
      solver,
      rtol: 1e-9,
      atol: 1e-10,
      events: {
        when: (_, y) => y.at(0),
        direction: -1,
        change: (_, y) => concat([y.slice([0], [1]).mul(0), y.slice([1], [1]).mul(-0.8)]),
      },
    });
    const first = Math.sqrt(20 / 9.81);
    const times = [first, first * 2.6];
    expect(events.length).toBeGreaterThanOrEqual(2);
    times.forEach((t, i) => {
      expect(Math.abs(events[i].t - t)).toBeLessThan(1e-7);
    });
  });

  it('solves in float32, and trees of tensors', async () => {
    const y0 = { a: tensor([1, 2], { dtype: 'float32' }), b: tensor(1, { dtype: 'float32' }) };
    const { ys } = await odeint(
      (_, { a, b }: typeof y0) => ({ a: a.mul(b).neg(), b: b.neg() }),
      y0,
      [0, 1],
      { solver, rtol: 1e-4, atol: 1e-5 },
    );
    expect(ys.a.dtype).toBe('float32');
    const fading = Math.exp(-(1 - Math.exp(-1)));
    const [, [a0, a1]] = (await ys.a.array()) as number[][];
    const [, b] = (await ys.b.array()) as number[];
    expect(Math.abs(a0 / fading - 1)).toBeLessThan(5e-4);
    expect(Math.abs(a1 / (2 * fading) - 1)).toBeLessThan(5e-4);
    expect(Math.abs(b / Math.exp(-1) - 1)).toBeLessThan(5e-4);
  });

  it('leaves no buffer behind, whether it succeeds or fails', async () => {
    const good = await liveBuffersLeft([1, 1], (y0) =>
      odeint(lotkaVolterra, y0, [0, 3], { solver }),
    );
    expect(good.left).toBe(0);
    const blowUp: Field<Tensor> = (_, y) => y.square();
    const bad = await liveBuffersLeft([1], (y0) => odeint(blowUp, y0, [0, 2], { solver }));
    expect(bad.error).toBeInstanceOf(Error);
    expect(bad.left).toBe(0);
  });

  it('says what it does not do', async () => {
    const y0 = tensor([1, 2]);
    await expect(odeint(decay, y0, [0, 1], { solver, batched: true })).rejects.toThrow(name);
    await expect(odeint(decay, y0, [0, 1], { solver, controller: pi42() })).rejects.toThrow(
      `odeint: ${name} chooses order and step together and has no use for controller`,
    );
    const stepped = { solver, stepSize: 0.1 } as unknown as OdeintOptions<undefined>;
    await expect(odeint(decay, y0, [0, 1], stepped)).rejects.toThrow(
      `odeint: ${name} chooses its own steps`,
    );
    expect(() => solveIvp((_, y) => -y, 1, [0, 1], { solver })).toThrow(
      `solveIvp: ${name} is not an explicit Runge-Kutta method`,
    );
  });
});
