// How often a solve waits for the device, what it answers, and what it leaves there.
import { backsolve, direct } from '@neuralode/adjoint';
import { valueAndGrad } from '@neuralode/autodiff';
import { reference } from '@neuralode/backend-reference';
import { type Field, type GradientMethod, odeint, rk4, type SolveStats } from '@neuralode/solvers';
import { type Backend, setBackend, type Tensor, tensor } from '@neuralode/tensor';
import { findBackend } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { nodeGpu } from '../src/index.ts';
import { addonIsThere } from './addon.ts';

/** A pendulum with friction, a state [angle, velocity]; `rates` are those of gravity and of friction. */
const pendulum: Field<Tensor, Tensor> = (_t, y, rates) => {
  const angle = y.slice([0], [1]);
  const velocity = y.slice([1], [1]);
  const pull = rates.slice([0], [1]).mul(angle.sin());
  const brake = rates.slice([1], [1]).mul(velocity);
  return velocity.pad([0], [1]).sub(pull.add(brake).pad([1], [0]));
};

interface Options {
  readonly gradient: GradientMethod;
  readonly rtol?: number;
  readonly atol?: number;
}

/** The squared state at t = 1 and its gradient by the rates, with the statistics of every solve on the way. */
async function solved(backend: Backend, options: Options, steps?: number) {
  await setBackend(backend);
  const heard: SolveStats[] = [];
  const loss = (rates: Tensor): Tensor => {
    const onSolve = (stats: SolveStats): void => void heard.push(stats);
    const common = { gradient: options.gradient, args: rates, onSolve };
    const { ys } =
      steps === undefined
        ? odeint(pendulum, tensor([1, 0.5]), [0, 1], { ...options, ...common })
        : odeint(pendulum, tensor([1, 0.5]), [0, 1], {
            ...common,
            solver: rk4(),
            stepSize: 1 / steps,
          });
    return ys.slice([1, 0], [1, 2]).square().sum();
  };
  const { value, grads } = await valueAndGrad(loss)(tensor([2, 0.3]));
  return { value, grads, heard };
}

/** Reads of one solve with its gradient, and the steps that each of its passes attempted. */
async function counted(options: Options, steps?: number) {
  const backend = await nodeGpu();
  const before = backend.reads();
  const { heard } = await solved(backend, options, steps);
  const attempts = heard.map(({ accepted, rejected }) => accepted + rejected);
  return { reads: backend.reads() - before, attempts };
}

describe.runIf(addonIsThere)('a solve with its gradient', () => {
  const cases: readonly (readonly [string, Options])[] = [
    ['dopri5, direct', { rtol: 1e-5, atol: 1e-7, gradient: direct() }],
    ['dopri5, backsolve', { rtol: 1e-5, atol: 1e-7, gradient: backsolve() }],
  ];
  it('direct waits once for each step that it tries, and not at all on the way back', async () => {
    const loose = await counted({ rtol: 1e-3, atol: 1e-5, gradient: direct() });
    const tight = await counted({ rtol: 1e-6, atol: 1e-8, gradient: direct() });
    const more = tight.attempts[0] - loose.attempts[0];
    expect(more).toBeGreaterThan(3);
    expect(tight.reads - loose.reads).toBe(more);
    // before and after the steps: the first step's size, and whether the gradient is finite
    expect(tight.reads - tight.attempts[0]).toBeLessThanOrEqual(4);
  });

  it('backsolve waits once for each step that it tries, there and back', async () => {
    const loose = await counted({ rtol: 1e-3, atol: 1e-5, gradient: backsolve() });
    const tight = await counted({ rtol: 1e-6, atol: 1e-8, gradient: backsolve() });
    const total = ({ attempts }: typeof loose): number => attempts.reduce((a, b) => a + b);
    const more = total(tight) - total(loose);
    expect(more).toBeGreaterThan(3);
    expect(tight.reads - loose.reads).toBe(more);
    expect(tight.reads - total(tight)).toBeLessThanOrEqual(6);
  });

  it('fixed steps need no decision: reads do not grow with them, up to sixteen that are looked at together', async () => {
    const few = await counted({ gradient: direct() }, 4);
    const many = await counted({ gradient: direct() }, 12);
    expect(many.reads).toBe(few.reads);
  });

  it.each(cases)('%s: answers as the reference backend does', async (_, options) => {
    const got = await solved(await nodeGpu(), options);
    const want = await solved(reference(), options);
    const [value, wanted] = [await got.value.item(), await want.value.item()];
    expect(Math.abs(value / wanted - 1)).toBeLessThan(1e-5);
    const [mine, theirs] = [await got.grads.data(), await want.grads.data()];
    for (let i = 0; i < 2; i++) expect(mine[i] / theirs[i]).toBeCloseTo(1, 4);
  });

  it('frees what its kernels make, in TensorFlow too', async () => {
    const backend = await nodeGpu();
    const device = findBackend('tensorflow') as unknown as { getNumOfTFTensors(): number };
    const options: Options = { rtol: 1e-5, atol: 1e-7, gradient: direct() };
    const heldAfter = async (): Promise<readonly number[]> => {
      const { value, grads } = await solved(backend, options);
      value.dispose();
      grads.dispose();
      return [device.getNumOfTFTensors(), backend.memory().liveBytes];
    };
    const [tensors] = await heldAfter();
    const [again] = await heldAfter();
    // the two inputs of each run are left to the collector
    expect(again - tensors).toBeLessThanOrEqual(2);
  });
});

it.skipIf(addonIsThere)('says that the solves were not run', () => {
  expect(addonIsThere).toBe(false);
});
