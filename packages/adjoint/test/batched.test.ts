/**
 * Gradients of batched solves: against central differences, and against the gradients of the rows' own solves, by the
 * initial state, parameters passed and captured, parameters with rows, and every row's times.
 */
import { grad, hvp, jit, jvp, valueAndGrad } from '@neuralode/autodiff';
import { reference } from '@neuralode/backend-reference';
import {
  dop853,
  dopri5,
  euler,
  type GradientMethod,
  type OdeintOptions,
  odeint,
  rk4,
  type SolveStats,
} from '@neuralode/solvers';
import { evaluate, memory, random, setBackend, type Tensor, tensor } from '@neuralode/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { backsolve, checkpointed, direct } from '../src/index.ts';
import { centralGradient, pack, relativeError, unpack } from './numeric.ts';

beforeAll(async () => {
  await setBackend(reference());
});

/** y0 and rates have rows, the weights are common (w2 is captured), and each row has times of its own. */
const shapes = [[3, 2], [2, 4], [4, 2], [4], [3, 2], [3, 4]];
const rng = random(5);
const times = [
  [0.1, 0.35, 0.9, 1.4],
  [0, 0.5, 0.6, 0.7],
  [-1, -0.2, 1.1, 2.3],
];
const point = [
  ...Array.from({ length: 6 + 8 + 8 + 4 + 6 }, () => 0.8 * rng.nextNormal()),
  ...times.flat(),
];

interface Args {
  w1: Tensor;
  b: Tensor;
  rate: Tensor;
}
type Options = OdeintOptions<Args>;

const weights = (shape: readonly number[]): Tensor => random(4).uniform(shape, 0.2, 1.2);

/** Rows [B, 2] at t [B], or one row [1, 2] at t [1]. */
function fieldWith(w2: Tensor) {
  return (t: Tensor, y: Tensor, { w1, b, rate }: Args): Tensor =>
    y
      .matMul(w1)
      .add(b.mul(t.expandDims(1).sin()))
      .tanh()
      .matMul(w2)
      .mul(rate);
}

function loss(options: Options) {
  return ([y0, w1, w2, b, rate, ts]: Tensor[]): Tensor => {
    const args = { w1, b, rate };
    const { ys } = odeint(fieldWith(w2), y0, ts, { ...options, batched: true, args });
    return ys.square().mul(weights(ys.shape)).sum();
  };
}

/** The same, row by row in solves of their own. */
function lossByRows(options: Options) {
  return ([y0, w1, w2, b, rate, ts]: Tensor[]): Tensor =>
    [0, 1, 2]
      .map((row) => {
        const args = { w1, b, rate: rate.slice([row], [1]) };
        const one = y0.slice([row], [1]);
        const field = fieldWith(w2);
        const { ys } = odeint(
          (t: Tensor, y: Tensor, a: Args) => field(t.reshape([1]), y, a),
          one,
          ts.at(row),
          { ...options, args },
        );
        return ys
          .square()
          .mul(weights([4, 3, 2]).slice([0, row], [4, 1]))
          .sum();
      })
      .reduce((a, b) => a.add(b));
}

// Tight, because central differences with a step of 1e-5 magnify what the tolerance leaves by 1e5.
const adaptive = { solver: dopri5(), rtol: 1e-12, atol: 1e-12 };
const fixed = { solver: rk4(), stepSize: 0.0071 };
const loose = { solver: dopri5(), rtol: 1e-3, atol: 1e-5 };

describe.each<[string, Options]>([
  ['direct, dopri5', { ...adaptive, gradient: direct() }],
  ['direct, rk4', { ...fixed, gradient: direct() }],
  ['checkpointed, dopri5', { ...adaptive, gradient: checkpointed({ budget: 3 }) }],
  ['backsolve, dopri5', { ...adaptive, gradient: backsolve() }],
  ['backsolve, rk4', { ...fixed, gradient: backsolve() }],
])('%s', (_, options) => {
  const fn = loss(options);
  const direction = point.map(() => rng.nextNormal());
  const onHost = (flat: readonly number[]): number =>
    evaluate.sync(() => fn(unpack(flat, shapes))).itemSync();
  const gradientAt = (flat: readonly number[]): number[] =>
    pack(grad(fn).sync(unpack(flat, shapes)));

  it('first order agrees with central differences', () => {
    expect(relativeError(gradientAt(point), centralGradient(onHost, point))).toBeLessThan(1e-7);
  });

  it('forward mode agrees with reverse mode', () => {
    const { tangent } = jvp.sync(fn, [unpack(point, shapes)], [unpack(direction, shapes)]);
    const expected = gradientAt(point).reduce((total, g, i) => total + g * direction[i], 0);
    expect(relativeError([tangent.itemSync()], [expected])).toBeLessThan(1e-7);
  });

  it('forward over reverse agrees with central differences of the gradient', () => {
    const got = pack(hvp.sync(fn, unpack(point, shapes), unpack(direction, shapes)));
    const h = 1e-5;
    const up = gradientAt(point.map((v, i) => v + h * direction[i]));
    const down = gradientAt(point.map((v, i) => v - h * direction[i]));
    expect(
      relativeError(
        got,
        up.map((g, i) => (g - down[i]) / (2 * h)),
      ),
    ).toBeLessThan(1e-5);
  });
});

describe.each<[string, Options]>([
  ['direct, dopri5', { ...adaptive, gradient: direct() }],
  ['backsolve, dopri5', { ...adaptive, gradient: backsolve() }],
])('%s', (_, options) => {
  it('the gradient of the gradient agrees with central differences', () => {
    const fn = loss(options);
    const direction = point.map(() => rng.nextNormal());
    const norm = (inputs: Tensor[]): Tensor =>
      grad(fn)(inputs)
        .map((g) => g.square().sum())
        .reduce((a, b) => a.add(b));
    const got = pack(grad(norm).sync(unpack(point, shapes)));
    const along = got.reduce((total, g, i) => total + g * direction[i], 0);
    const hostNorm = (s: number[]): number =>
      pack(
        grad(fn).sync(
          unpack(
            point.map((v, i) => v + s[0] * direction[i]),
            shapes,
          ),
        ),
      ).reduce((total, g) => total + g * g, 0);
    expect(relativeError([along], centralGradient(hostNorm, [0]))).toBeLessThan(1e-5);
  });
});

describe('the gradient of the batch is the sum of those of the rows', () => {
  it.each<[string, Options]>([
    ['direct, dopri5 with loose tolerances', { ...loose, gradient: direct() }],
    ['direct, dopri5', { gradient: direct() }],
    ['direct, dop853', { solver: dop853(), rtol: 1e-5, gradient: direct() }],
    ['backsolve, dop853', { solver: dop853(), rtol: 1e-5, gradient: backsolve() }],
    ['direct, rk4 with coarse steps', { solver: rk4(), stepSize: 0.3, gradient: direct() }],
    ['backsolve, dopri5 with loose tolerances', { ...loose, gradient: backsolve() }],
    ['backsolve, dopri5', { gradient: backsolve() }],
    ['backsolve, rk4 with coarse steps', { solver: rk4(), stepSize: 0.3, gradient: backsolve() }],
  ])('%s', (_, options) => {
    const [got, expected] = [loss, lossByRows].map((make) =>
      pack(grad(make(options)).sync(unpack(point, shapes))),
    );
    expect(relativeError(got, expected)).toBeLessThan(1e-12);
  });
});

describe.each([direct(), checkpointed({ budget: 2 }), backsolve()])(
  '$name of a batched solve',
  (gradient) => {
    const options = { batched: true, gradient } as const;

    it('is not spoilt by a row whose rejected steps are not finite', () => {
      // Long steps of row 0 meet the root of a negative number and are rejected, while row 1 moves on.
      const starts = [0.05, 1e4];
      const ends = [0.26, 2];
      const field = (_: Tensor, y: Tensor, r: Tensor): Tensor => y.sqrt().mul(r).neg();
      const given = { firstStep: 0.255, rtol: 1e-4, atol: 1e-8, gradient };
      const together =
        (onSolve?: (stats: SolveStats) => void) =>
        (args: Tensor): Tensor =>
          odeint(
            field,
            tensor(starts),
            ends.map((end) => [0, end]),
            {
              ...given,
              args,
              batched: true,
              ...(onSolve && { onSolve }),
            },
          )
            .ys.at(-1)
            .sum();
      const alone =
        (row: number) =>
        (args: Tensor): Tensor =>
          odeint(field, tensor([starts[row]]), [0, ends[row]], { ...given, args })
            .ys.at(-1)
            .sum();
      const rate = tensor(1.7);
      const heard: SolveStats[] = [];
      const got = grad(together((stats) => heard.push(stats)))
        .sync(rate)
        .itemSync();
      expect(heard[0].rows?.map(({ rejected }) => rejected > 0)).toEqual([true, false]);
      const own = [0, 1].map((row) => grad(alone(row)).sync(rate).itemSync());
      expect(relativeError([got], [own[0] + own[1]])).toBeLessThan(1e-10);
    });

    it('takes trees, and rows that end long before others', () => {
      type State = { q: Tensor; p: Tensor };
      const field = (_: Tensor, { q, p }: State, k: Tensor): State => ({
        q: p.sum(1),
        p: p.mul(q.expandDims(1)).mul(k).neg(),
      });
      const ends = [0.01, 3];
      const fn = (k: Tensor): Tensor => {
        const state = {
          q: tensor([0.1, 0.2]),
          p: tensor([
            [1, 2],
            [0.5, 0.1],
          ]),
        };
        const { ys } = odeint(
          field,
          state,
          ends.map((end) => [0, end / 2, end]),
          { ...options, args: k },
        );
        return ys.q.square().sum().add(ys.p.sum());
      };
      const one =
        (row: number) =>
        (k: Tensor): Tensor => {
          const state = {
            q: tensor([[0.1], [0.2]][row]),
            p: tensor([[[1, 2]], [[0.5, 0.1]]][row]),
          };
          const end = ends[row];
          const { ys } = odeint(field, state, [0, end / 2, end], { gradient, args: k });
          return ys.q.square().sum().add(ys.p.sum());
        };
      const at = tensor([0.3, 0.7]);
      const got = pack([grad(fn).sync(at)]);
      const parts = [0, 1].map((row) => pack([grad(one(row)).sync(at)]));
      expect(
        relativeError(
          got,
          got.map((_, i) => parts[0][i] + parts[1][i]),
        ),
      ).toBeLessThan(1e-12);
    });

    it('leaves nothing behind in training, nor when it fails', async () => {
      const backend = await setBackend(reference());
      const fn = (k: Tensor, y0: Tensor): Tensor =>
        odeint(
          (_, y, r: Tensor) => y.mul(r).sin(),
          y0,
          [
            [0, 0.5, 1],
            [0, 2, 3],
          ],
          {
            ...options,
            args: k,
            maxSteps: 500,
          },
        ).ys.sum();
      const step = jit(valueAndGrad(fn));
      const y0 = tensor([1, 2]);
      let k = tensor(0.3);
      const train = async (): Promise<void> => {
        const { value, grads } = await step(k, y0);
        const next = k.sub(grads);
        for (const old of [k, value, grads]) old.dispose();
        k = next;
      };
      await train();
      const after = memory(backend).liveBuffers;
      for (let i = 0; i < 5; i++) await train();
      expect(memory(backend).liveBuffers).toBe(after);
      const wild = tensor(1e4);
      await expect(step(wild, y0)).rejects.toThrow(/row \d: 500 steps got only as far/);
      wild.dispose();
      expect(memory(backend).liveBuffers).toBe(after);
    });

    it('tells its cost', () => {
      const heard: SolveStats[] = [];
      const fn = (y0: Tensor): Tensor =>
        odeint((_, y) => y.cos(), y0, [0, 1], {
          ...options,
          onSolve: (stats) => heard.push(stats),
        }).ys.sum();
      grad(fn).sync(tensor([1, 2, 3]));
      expect(heard.map(({ pass }) => pass)).toEqual(['forward', 'backward']);
      expect(heard[0].rows).toHaveLength(3);
      // no more than one product for each evaluation on the way, and as much again for the parameters
      expect(heard[1].nfe).toBeGreaterThan(5);
      expect(heard[1].nfe).toBeLessThan(2 * heard[0].nfe);
    });
  },
);

it('direct() is not spoilt by a row that is done where the field has a pole', () => {
  const ends = tensor([1, 3]);
  const run = (rate: Tensor): Tensor =>
    odeint(
      (t, y, r: Tensor) => y.mul(ends.sub(t).pow(-0.5)).mul(r),
      tensor([1, 1]),
      ends.reshape([2, 1]).mul(tensor([0, 1])),
      {
        args: rate,
        solver: euler(),
        stepSize: 0.1,
        batched: true,
        gradient: direct(),
      },
    )
      .ys.at(-1)
      .sum();
  const got = grad(run).sync(tensor(0.5)).itemSync();
  const value = ([r]: number[]): number => evaluate.sync(() => run(tensor(r))).itemSync();
  expect(relativeError([got], centralGradient(value, [0.5]))).toBeLessThan(1e-8);
});

it('backsolve() cannot let the gradient of the parameters steer rows, and says so', () => {
  const fn = (k: Tensor): Tensor =>
    odeint((_, y, r: Tensor) => y.mul(r), tensor([1, 2]), [0, 1], {
      args: k,
      batched: true,
      gradient: backsolve({ seminorm: false }),
    }).ys.sum();
  expect(() => grad(fn).sync(tensor(1))).toThrow(
    /cannot count in the rows' errors.*Leave seminorm out/,
  );
});

it('memory grows with the steps by direct(), not by backsolve() or checkpointed()', async () => {
  const peak = async (gradient: GradientMethod, stepSize: number): Promise<number> => {
    const backend = await setBackend(reference());
    const y0 = tensor(new Float64Array(2000).fill(1), [2, 1000]);
    const k = tensor(0.3);
    const ts = [
      [0, 0.4, 1],
      [0, 1, 2],
    ];
    const fn = (args: Tensor): Tensor =>
      odeint((_, y, r: Tensor) => y.mul(r).sin(), y0, ts, {
        args,
        batched: true,
        solver: rk4(),
        stepSize,
        gradient,
      }).ys.sum();
    const step = jit(grad(fn));
    await step(k);
    const before = memory(backend).liveBytes;
    backend.resetPeak();
    await step(k);
    return memory(backend).peakBytes - before;
  };
  expect(await peak(direct(), 0.002)).toBeGreaterThan(8 * (await peak(direct(), 0.02)));
  // A few numbers of steps and masks apart.
  for (const gradient of [backsolve(), checkpointed({ budget: 4 })]) {
    expect(await peak(gradient, 0.002)).toBeLessThan(1.1 * (await peak(gradient, 0.02)));
  }
});

describe('checkpointed() of a batched solve', () => {
  it.each<[string, Options]>([
    ['dopri5', { rtol: 1e-6, atol: 1e-7 }],
    ['dop853, with stages for observations alone', { solver: dop853(), rtol: 1e-6 }],
    ['rk4', { solver: rk4(), stepSize: 0.03 }],
    ['backwards in time', { rtol: 1e-6, atol: 1e-7 }],
  ])('has the gradient of direct() bit for bit: %s', (name, options) => {
    const turned = name.startsWith('backwards')
      ? [...point.slice(0, -times.flat().length), ...times.flatMap((each) => each.toReversed())]
      : point;
    for (const budget of [1, 2, 5, 1000]) {
      const heard: SolveStats[] = [];
      const by = (gradient: GradientMethod): number[] =>
        pack(
          grad(loss({ ...options, gradient, onSolve: (each) => heard.push(each) })).sync(
            unpack(turned, shapes),
          ),
        );
      expect(by(checkpointed({ budget }))).toEqual(by(direct()));
      const [, walked, , walkedByDirect] = heard;
      expect(walked.nfe).toBe(walkedByDirect.nfe);
      expect(walkedByDirect.recomputed).toBeUndefined();
    }
  });

  const repeated = (steps: number, budget: number): number => {
    const heard: SolveStats[] = [];
    const fn = (y0: Tensor): Tensor =>
      odeint((_t: Tensor, y: Tensor) => y.sin(), y0, [0, 1], {
        batched: true,
        solver: rk4(),
        stepSize: 1 / steps,
        gradient: checkpointed({ budget }),
        onSolve: (each) => heard.push(each),
      })
        .ys.at(-1)
        .sum();
    grad(fn).sync(tensor([0.1, 0.2, 0.3]));
    return heard[1].recomputed as number;
  };

  it.each([
    [20, 4],
    [100, 8],
  ])('repeats %i steps with %i states no more often than the theory has it', (steps, budget) => {
    const recomputed = repeated(steps, budget);
    // β(s, r) = (s + r)! / (s! r!) steps can be reversed with none taken more than r times again, s = budget + 1 states;
    // online placing and the run with residuals cost one repetition each.
    let r = 0;
    for (let reach = 1; reach < steps; r++) reach = (reach * (budget + 1 + r + 1)) / (r + 1);
    expect(recomputed).toBeGreaterThanOrEqual(4 * steps);
    expect(recomputed).toBeLessThanOrEqual(4 * steps * (r + 2));
  });
});
