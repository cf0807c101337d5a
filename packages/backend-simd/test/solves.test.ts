/** Compiled solves against the interpreted ones on the reference backend: steps, evaluations, values, failures. */
import { jit } from '@neuralode/autodiff';
import { reference } from '@neuralode/backend-reference';
import { simd } from '@neuralode/backend-simd';
import {
  bosh3,
  dop853,
  dopri5,
  euler,
  h211b,
  hairerPI,
  h321,
  heunEuler,
  kvaerno3,
  maxNorm,
  odeint,
  perLeafNorm,
  rk4,
  type Solver,
  SolveError,
  type SolveStats,
  tsit5,
  vern7,
} from '@neuralode/solvers';
import { type Backend, evaluate, setBackend, type Tensor, tensor } from '@neuralode/tensor';
import { describe, expect, it } from 'vitest';
import { difference, noise } from './harness.ts';

type State = { a: Tensor; b: Tensor };

/** Two leaves that move each other, a field that needs t, parameters, and a product. */
const field = (t: Tensor, { a, b }: State, { w, c }: { w: Tensor; c: Tensor }): State => ({
  a: a
    .matMul(w)
    .tanh()
    .add(b.sum([1], true))
    .mul(c),
  b: b.neg().add(a.slice([0, 0], [4, 2]).mul(t.sin())),
});

type Times = readonly number[] | 'tensor';

/** @param fields `field`, or one whose t may be a list */
async function solve(
  backend: Backend,
  times: Times,
  options: object,
  compiled = true,
  fields = field,
) {
  await setBackend(backend);
  const stats: SolveStats[] = [];
  const y0 = {
    a: tensor(noise([4, 3], 1) as number[][]),
    b: tensor(noise([4, 2], 2) as number[][]),
  };
  const args = { w: tensor(noise([3, 3], 3) as number[][]), c: tensor(0.7) };
  const given = times === 'tensor' ? tensor([0, 0.25, 0.5, 1.75]) : undefined;
  const settings = { onSolve: (each: SolveStats) => stats.push(each), ...options };
  const run = (start: State, p: typeof args, ts: Tensor | undefined) => {
    const at = ts ?? (times as readonly number[]);
    return odeint(fields, start, at as number[], { args: p, ...settings } as { args: typeof args })
      .ys;
  };
  // not jitted, the same is recorded and run kernel by kernel
  const ys = compiled ? jit(run).sync(y0, args, given) : evaluate.sync(() => run(y0, args, given));
  return { stats, leaves: [ys.a.dataSync(), ys.b.dataSync()] };
}

const cases: [string, Solver, object][] = [
  ['dopri5', dopri5(), { rtol: 1e-6, atol: 1e-8 }],
  ['dopri5, held by a controller', dopri5(), { rtol: 1e-7, controller: hairerPI(), maxStep: 0.3 }],
  ['tsit5, a filter', tsit5(), { controller: h211b(), norm: maxNorm() }],
  ['bosh3, another filter', bosh3(), { controller: h321(), norm: perLeafNorm(), minStep: 1e-4 }],
  ['dop853', dop853(), { rtol: 1e-9, atol: 1e-9 }],
  ['vern7', vern7(), { firstStep: 0.01 }],
  ['heun-euler', heunEuler(), { rtol: 1e-3 }],
  ['rk4', rk4(), { stepSize: 0.03 }],
  ['euler', euler(), { stepSize: 0.1 }],
];

describe('a compiled solve takes the same steps to the same values', () => {
  it.each(cases)('%s', async (_, solver, options) => {
    for (const times of [[0, 0.1, 0.11, 0.5, 2], [1, -0.5], [2, 1.9, 0], 'tensor' as const]) {
      const want = await solve(reference(), times, { solver, ...options });
      const backend = simd({ floatDType: 'float64' });
      const got = await solve(backend, times, { solver, ...options });
      expect(got.stats).toEqual(want.stats);
      got.leaves.forEach((leaf, i) => {
        expect(difference(leaf, want.leaves[i])).toBeLessThan(1e-12);
      });
      expect(backend.explain()).not.toContain('kernel by kernel');
    }
  });

  it('in float32, as the same backend does kernel by kernel', async () => {
    for (const [, solver, options] of cases.slice(0, 2)) {
      const times = [0, 0.1, 0.5, 2];
      const want = await solve(simd(), times, { solver, ...options }, false);
      const got = await solve(simd(), times, { solver, ...options });
      expect(got.stats).toEqual(want.stats);
      got.leaves.forEach((leaf, i) => {
        expect(difference(leaf, want.leaves[i])).toBeLessThan(1e-6);
      });
    }
  });

  it('tells of its steps', async () => {
    const run = async (compiled: boolean) => {
      const steps: unknown[] = [];
      const options = {
        solver: dopri5(),
        rtol: 1e-8,
        firstStep: 1,
        onStep: (s: unknown) => steps.push(s),
      };
      await solve(simd({ floatDType: 'float64' }), [0, 1, 3], options, compiled);
      return steps;
    };
    // to the last bit, on the same backend: others have other exponentials
    expect(await run(true)).toEqual(await run(false));
  });
});

/** How a solve of dy/dt = f(t, y) from 1 to `end` fails on a backend. */
async function failure(
  backend: Backend,
  f: (t: Tensor, y: Tensor) => Tensor,
  end: number,
  { start = [1, 2], ...options }: { start?: number[] },
): Promise<{ error: SolveError; stats: SolveStats[] }> {
  await setBackend(backend);
  const stats: SolveStats[] = [];
  const program = jit((y0: Tensor) => {
    const settings = { onSolve: (each: SolveStats) => stats.push(each), ...options };
    return odeint(f, y0, [0, end], settings).ys;
  });
  try {
    program.sync(tensor(start));
  } catch (error) {
    return { error: error as SolveError, stats };
  }
  throw new Error('the solve did not fail');
}

describe('a compiled solve fails as the interpreted one', () => {
  const stopped = (): object => {
    const stop = new AbortController();
    return { signal: stop.signal, onStep: () => stop.abort('enough') };
  };
  const failures: [string, (t: Tensor, y: Tensor) => Tensor, number, () => object][] = [
    ['too many steps', (_, y) => y.neg(), 5, () => ({ maxSteps: 7, rtol: 1e-8 })],
    ['a blow-up', (_, y) => y.square(), 3, () => ({ rtol: 1e-6 })],
    ['a field that is not finite', (t, y) => y.div(t.sub(0.5).maximum(0)), 1, () => ({})],
    ['a start that is not finite', (_, y) => y, 1, () => ({ start: [1, Number.NaN] })],
    [
      'infinite after fixed steps',
      (_, y) => y.square().square(),
      9,
      () => ({ solver: rk4(), stepSize: 1 }),
    ],
    ['stopped', (_, y) => y.neg(), 9, stopped],
  ];
  it.each(failures)('%s', async (_, f, end, options) => {
    const want = await failure(reference(), f, end, options());
    const backend = simd({ floatDType: 'float64' });
    const got = await failure(backend, f, end, options());
    expect(got.error).toBeInstanceOf(SolveError);
    expect(got.error.status).toBe(want.error.status);
    // with fused multiply-add, how far it got differs in the last digits
    const said = ({ message }: Error): string =>
      backend.fused ? message.replace(/\d[\d.]*(e-?\d+)?/g, '…') : message;
    expect(said(got.error)).toBe(said(want.error));
    expect(got.stats.map(({ status }) => status)).toEqual(want.stats.map(({ status }) => status));
  });

  it('and can be run again afterwards, having kept nothing', async () => {
    const backend = simd();
    await setBackend(backend);
    const program = jit((y0: Tensor) => odeint((_, y: Tensor) => y.square(), y0, [0, 1]).ys);
    program.sync(tensor([0.5])).dispose();
    const before = backend.memory();
    expect(() => program.sync(tensor([2]))).toThrow(SolveError);
    expect(program.sync(tensor([0.5])).dataSync()[1]).toBeCloseTo(1, 3);
    expect(backend.memory().liveBuffers).toBeLessThanOrEqual(before.liveBuffers + 3);
  });
});

describe('what does not compile', () => {
  it('an implicit method runs kernel by kernel, to the same values', async () => {
    const options = { solver: kvaerno3(), rtol: 1e-5 };
    const want = await solve(reference(), [0, 0.4, 1], options);
    const backend = simd({ floatDType: 'float64' });
    const got = await solve(backend, [0, 0.4, 1], options);
    expect(got.stats).toEqual(want.stats);
    expect(difference(got.leaves[0], want.leaves[0])).toBeLessThan(1e-11);
    expect(backend.explain()).toMatch(/kernel by kernel: odeSolve, since .* is implicit/);
  });

  it('a batch whose rows step on their own, and stops', async () => {
    const still: typeof field = (_, { a, b }, { w, c }) => ({ a: a.matMul(w).mul(c), b: b.neg() });
    for (const options of [{ batched: true }, { jumpAt: [0.3] }]) {
      const want = await solve(reference(), [0, 0.4, 1], options, true, still);
      const backend = simd({ floatDType: 'float64' });
      const got = await solve(backend, [0, 0.4, 1], options, true, still);
      expect(got.stats).toEqual(want.stats);
      expect(backend.explain()).toContain('kernel by kernel');
    }
  });
});
