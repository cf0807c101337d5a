/** Compiled gradients against the interpreted ones on the reference backend. */
import { backsolve, direct } from '@neuralode/adjoint';
import { grad, jit, jvp, valueAndGrad } from '@neuralode/autodiff';
import { reference } from '@neuralode/backend-reference';
import { simd } from '@neuralode/backend-simd';
import { adam } from '@neuralode/nn';
import {
  AbortedError,
  bosh3,
  dop853,
  dopri5,
  euler,
  odeint,
  rk4,
  type SolveStats,
  type StepReport,
} from '@neuralode/solvers';
import {
  type Backend,
  flatten,
  memory,
  scan,
  setBackend,
  type Tensor,
  tensor,
} from '@neuralode/tensor';
import { describe, expect, it } from 'vitest';
import { difference, expectSame, type Inputs, noise } from './harness.ts';

const field = (t: Tensor, y: Tensor, { w, b }: { w: Tensor; b: Tensor }): Tensor =>
  y.mul(y).matMul(w).add(b).tanh().matMul(w.transpose()).mul(t.add(1).mul(0.3));

/** Inputs y0, w, b, times; outputs the loss, and its gradient by all of them. */
function program(options: object, onSolve?: (stats: SolveStats) => void) {
  return (y0: Tensor, w: Tensor, b: Tensor, ts: Tensor) =>
    valueAndGrad((q: { y0: Tensor; w: Tensor; b: Tensor; ts: Tensor }) => {
      const settings = { args: { w: q.w, b: q.b }, onSolve, ...options };
      const { ys } = odeint(field, q.y0, q.ts, settings as { args: { w: Tensor; b: Tensor } });
      return ys
        .square()
        .mul(q.ts.cos().reshape([-1, 1, 1]))
        .mean();
    })({ y0, w, b, ts });
}

type Four = [Tensor, Tensor, Tensor, Tensor];

const inputs: Inputs = [
  noise([7, 2], 1),
  noise([2, 9], 2),
  noise([9], 3),
  [0, 0.2, 0.25, 0.6, 1.1],
] as Inputs;

const methods: [string, object][] = [
  ['dopri5', { solver: dopri5(), rtol: 1e-6, atol: 1e-8 }],
  ['dop853', { solver: dop853(), rtol: 1e-8 }],
  ['bosh3', { solver: bosh3(), rtol: 1e-4 }],
  ['rk4', { solver: rk4(), stepSize: 0.07 }],
  ['euler', { solver: euler(), stepSize: 0.05 }],
];

describe.each([
  ['direct', direct()],
  ['backsolve', backsolve()],
])('%s', (_, gradient) => {
  it.each(methods)('with %s', async (__, options) => {
    const stats: SolveStats[][] = [[], []];
    let run = 0;
    const steps: unknown[][] = [[], []];
    const backend = await expectSame((...given) => {
      const mine = stats[run];
      const told = steps[run++];
      const onStep = (step: unknown) => told.push(step);
      const [y0, w, b, ts] = given;
      return program({ ...options, gradient, onStep }, (each) => mine.push(each))(y0, w, b, ts);
    }, inputs);
    expect(stats[1]).toEqual(stats[0]);
    expect(steps[1]).toHaveLength(steps[0].length);
    expect(stats[0].length).toBeGreaterThan(1);
    expect(backend.explain()).not.toContain('kernel by kernel');
  });

  it('in float32', async () => {
    const options = { solver: rk4(), stepSize: 0.07, gradient };
    await expectSame((y0, w, b, ts) => program(options)(y0, w, b, ts), inputs, 'float32');
  });

  it('differentiated again', async () => {
    const options = { solver: rk4(), stepSize: 0.3, gradient };
    const again = (y0: Tensor, w: Tensor, b: Tensor, ts: Tensor) =>
      grad((v: Tensor) => program(options)(y0, v, b, ts).grads.b.square().sum())(w);
    await expectSame((y0, w, b, ts) => again(y0, w, b, ts), inputs);
  });
});

describe.each([
  ['direct', direct()],
  ['backsolve', backsolve()],
])('stopped on the way back, %s', (_, gradient) => {
  it('after as many steps as the interpreted one, and runs again afterwards', async () => {
    const run = async (backend: Backend) => {
      await setBackend(backend);
      const stop = new AbortController();
      const [told, stats]: [unknown[], unknown[]] = [[], []];
      const onStep = (step: StepReport): void => {
        if (step.pass !== 'backward') return;
        told.push(step);
        if (told.length === 3) stop.abort('enough');
      };
      const options = { rtol: 1e-6, gradient, onStep, signal: stop.signal };
      const compiled = jit(program(options, (each) => stats.push(each.status, each.accepted)));
      let message = '';
      try {
        compiled.sync(...(inputs.map((each) => tensor(each as number[])) as Four));
      } catch (error) {
        expect(error).toBeInstanceOf(AbortedError);
        // products are summed in another order here
        message = (error as Error).message.replace(/\d+\.\d+/, (t) => Number(t).toFixed(9));
      }
      return { told: told.length, stats, message };
    };
    const want = await run(reference());
    expect(want.told).toBe(3);
    expect(want.message).toContain('stopped by its signal');
    expect(await run(simd({ floatDType: 'float64' }))).toEqual(want);
  });
});

it('forward mode', async () => {
  const along = (y0: Tensor, w: Tensor, b: Tensor) =>
    jvp((v: Tensor) => odeint(field, y0, [0, 0.3, 1], { args: { w: v, b } }).ys, [w], [w.mul(0.5)]);
  await expectSame((y0, w, b) => along(y0, w, b), inputs);
});

describe('scan', () => {
  it.each([false, true])('and its gradient, reverse %s', async (reverse) => {
    const loss = (xs: Tensor, h0: Tensor, w: Tensor): Tensor => {
      const [h, ys] = scan(
        (carry: Tensor, x: Tensor) => {
          const next = carry.matMul(w).add(x).tanh();
          return [next, next.sin().mul(x.sum())] as const;
        },
        h0,
        xs.reshape([5, 2, 3]),
        { reverse },
      );
      return h.square().sum().add(ys.mul(ys).sum());
    };
    const given = [noise([10, 3], 1), noise([2, 3], 2), noise([3, 3], 3)] as Inputs;
    const backend = await expectSame(
      (xs, h0, w) => valueAndGrad((q: Tensor[]) => loss(q[0], q[1], q[2]))([xs, h0, w]),
      given,
    );
    expect(backend.explain()).toContain('scanTaped, scanBack');
  });

  it('of solves', async () => {
    const each = (y: Tensor, w: Tensor, b: Tensor) =>
      odeint(field, y, [0, 0.2], {
        args: { w, b },
        solver: rk4(),
        stepSize: 0.1,
        gradient: direct(),
      }).ys.at(-1);
    const loss = (y0: Tensor, w: Tensor, b: Tensor) =>
      scan((y: Tensor, _: object) => [each(y, w, b), y.sum()] as const, y0, {}, { length: 3 });
    await expectSame((y0, w, b) => loss(y0, w, b), inputs);
    await expectSame((y0, w, b) => grad((v: Tensor) => loss(y0, v, b)[0].sum())(w), inputs);
  });
});

/** Trains for some iterations and gives the last parameters. */
async function train(backend: Backend, iterations: number) {
  await setBackend(backend);
  const optimiser = adam({ learningRate: 0.01 });
  const [y0, w, b] = inputs.map((each) => tensor(each as number[]));
  let params = { w, b };
  let state = optimiser.init(params);
  const step = jit((p: typeof params, s: typeof state) => {
    const loss = (q: typeof params) =>
      odeint(field, y0, [0, 0.5, 1], { args: q, rtol: 1e-5, gradient: direct() })
        .ys.square()
        .mean();
    const { value, grads } = valueAndGrad(loss)(p);
    return { value, ...optimiser.update(grads, s, p) };
  });
  const sizes: unknown[] = [];
  for (let i = 0; i < iterations; i++) {
    const next = step.sync(params, state);
    if (i > 0) for (const each of flatten([params, state, next.value]).tensors) each.dispose();
    ({ params, state } = next);
    sizes.push(memory(backend));
  }
  return { leaves: flatten(params).tensors.map((each) => each.dataSync()), sizes };
}

it('a whole training iteration is one program, which allocates nothing after its first', async () => {
  const want = await train(reference(), 12);
  const backend = simd({ floatDType: 'float64' });
  const got = await train(backend, 12);
  got.leaves.forEach((leaf, i) => {
    expect(difference(leaf, want.leaves[i])).toBeLessThan(1e-10);
  });
  expect(backend.explain().match(/program/g)).toHaveLength(1);
  expect(new Set(got.sizes.slice(2).map((use) => JSON.stringify(use))).size).toBe(1);
});
