/**
 * The walk back over the steps of a solve, watched and stopped from outside.
 */
import { grad, jit } from '@neuralode/autodiff';
import { reference } from '@neuralode/backend-reference';
import {
  AbortedError,
  type GradientMethod,
  odeint,
  rk4,
  type StepReport,
} from '@neuralode/solvers';
import { memory, setBackend, type Tensor, tensor } from '@neuralode/tensor';
import { beforeEach, describe, expect, it } from 'vitest';
import { checkpointed, direct } from '../src/index.ts';

beforeEach(async () => {
  await setBackend(reference());
});

interface Watch {
  readonly onStep?: (step: StepReport) => void;
  readonly signal?: AbortSignal;
}

const final =
  (gradient: GradientMethod, watch: Watch, steps = 20) =>
  (y0: Tensor): Tensor =>
    odeint((_, y) => y.tanh(), y0, [2, 1.33, 0], {
      solver: rk4(),
      stepSize: 2 / steps,
      gradient,
      ...watch,
    }).ys.sum();

describe.each([direct(), checkpointed({ budget: 3 })])('$name', (gradient) => {
  it('tells of each step of the walk back, from the end of the solve to its start', () => {
    const heard: StepReport[] = [];
    grad(final(gradient, { onStep: (step) => heard.push(step) })).sync(tensor([1, 2]));
    const backward = heard.filter(({ pass }) => pass === 'backward');
    expect(backward).toHaveLength(20);
    backward.forEach(({ t, h, accepted, fraction }, i) => {
      expect(t).toBeCloseTo(0.1 * (i + 1), 12);
      expect(h).toBeCloseTo(0.1, 12);
      expect(fraction).toBeCloseTo((i + 1) / 20, 12);
      expect(accepted).toBe(true);
    });
    expect(backward[19].t).toBe(2);
    expect(backward[19].fraction).toBe(1);
  });

  it('stops before the next step once its signal says so, and leaves nothing behind', () => {
    const y0 = tensor([1, 2]);
    const run = (limit: number): number => {
      const stop = new AbortController();
      let walked = 0;
      const onStep = ({ pass }: StepReport): void => {
        if (pass === 'backward' && ++walked === limit) stop.abort(new Error('enough'));
      };
      const step = jit(grad(final(gradient, { onStep, signal: stop.signal })));
      expect(() => step.sync(y0)).toThrow(AbortedError);
      expect(walked).toBe(limit);
      return memory().liveBuffers;
    };
    expect(run(7)).toBe(run(13));
    expect(() => run(1)).not.toThrow();
  });

  it('says that it was the backward pass that was stopped, and when', () => {
    const stop = new AbortController();
    const onStep = ({ pass }: StepReport): void => {
      if (pass === 'backward') stop.abort();
    };
    const watched = final(gradient, { onStep, signal: stop.signal });
    expect(() => grad(watched).sync(tensor([1]))).toThrow(/backward.*t = 0\.(1|0999)/);
  });

  it('lets a timer stop it while it runs', async () => {
    const stop = new AbortController();
    let began = false;
    const onStep = ({ pass }: StepReport): void => {
      if (pass !== 'backward' || began) return;
      began = true;
      setTimeout(() => stop.abort(), 0);
    };
    const watched = final(gradient, { onStep, signal: stop.signal }, 20_000);
    await expect(grad(watched)(tensor([1]))).rejects.toThrow(AbortedError);
    expect(began).toBe(true);
  });
});
