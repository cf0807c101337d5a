/** The decisions of the pace, one by one, on errors made up. */
import { describe, expect, it } from 'vitest';
import { type AdaptiveControl, integralController, stepFactor } from './control.ts';
import { AdaptivePace, FixedPace, firstStep, smallestStep, trialStep } from './pace.ts';

const controller = integralController(4);
const control: AdaptiveControl = {
  kind: 'adaptive',
  rtol: 1e-6,
  atol: 1e-8,
  controller,
  maxSteps: 1000,
};

function pace(firstStep: number, from = 0, to = 100, maxStep?: number): AdaptivePace {
  return new AdaptivePace(
    { ...control, firstStep, ...(maxStep !== undefined && { maxStep }) },
    from,
    to,
  );
}

describe('adaptive', () => {
  it('follows 0.9 err^(-1/5), between 0.2 and 10', () => {
    expect(stepFactor(controller, 1, 1)).toBeCloseTo(0.9, 15);
    expect(stepFactor(controller, 2 ** -5, 1)).toBeCloseTo(1.8, 15);
    expect(stepFactor(controller, 0, 1)).toBe(10);
    expect(stepFactor(controller, 1e-30, 1)).toBe(10);
    expect(stepFactor(controller, 1e30, 1)).toBe(0.2);
  });

  it('accepts up to an error of 1, and not beyond', () => {
    const it = pace(1);
    expect(it.judge(it.stride(0, 100), 1)).toBe(true);
    expect(it.size).toBeCloseTo(0.9, 15);
    expect(it.judge(it.stride(1, 100), 1.001)).toBe(false);
    expect(it.size).toBeCloseTo(0.81, 3);
  });

  it('does not grow right after a rejection, but the time after', () => {
    const it = pace(1);
    it.judge(it.stride(0, 100), 32);
    expect(it.size).toBeCloseTo(0.45, 12);
    it.judge(it.stride(0, 100), 1e-9);
    expect(it.size).toBeCloseTo(0.45, 12);
    it.judge(it.stride(0.45, 100), 1e-9);
    expect(it.size).toBeCloseTo(4.5, 12);
  });

  it('shrinks as far as it may where the error is not a number', () => {
    const it = pace(1);
    for (const error of [Number.NaN, Number.POSITIVE_INFINITY]) it.judge(it.stride(0, 100), error);
    expect(it.size).toBeCloseTo(0.04, 15);
  });

  it('remembers its size across a step cut short', () => {
    const it = pace(10);
    const cut = it.stride(0, 1);
    expect(cut).toEqual({ next: 1, h: 1, cut: true });
    it.judge(cut, 0.9);
    expect(it.size).toBe(10);
    const limited = pace(10, 0, 100, 2);
    const stride = limited.stride(0, 100);
    expect(stride).toEqual({ next: 2, h: 2, cut: true });
    limited.judge(stride, 0.9);
    expect(limited.stride(2, 100).next).toBe(4);
    // but not across one refused
    limited.judge(limited.stride(2, 100), 32);
    expect(limited.size).toBeCloseTo(0.9, 12);
  });

  it('is not taken in by rounding far from 0: h differs from what was planned, and is no cut', () => {
    const it = pace(1e-9, 1e6, 1e6 + 1);
    const stride = it.stride(1e6, 1e6 + 1);
    expect(stride.cut).toBe(false);
    expect(stride.h).toBe(stride.next - 1e6);
    expect(stride.h).toBeGreaterThan(0);
  });

  it('lands on the end: within 1 % of the plan, or a rounding away', () => {
    expect(pace(1).stride(0, 1.0099)).toEqual({ next: 1.0099, h: 1.0099, cut: false });
    expect(pace(1).stride(0, 1.02).next).toBe(1);
    expect(pace(1, 0, -100).stride(0, -1.0099).next).toBe(-1.0099);
    expect(pace(1, 0, 100, 1).stride(0, 1.0099).next).toBe(1);
    expect(pace(1, 0, 100, 1).stride(0, 1 + 1e-13).next).toBe(1 + 1e-13);
  });

  it('always moves, and gives up at a few units in the last place', () => {
    const it = pace(1e-30, 1, 2);
    expect(it.stride(1, 2).next).toBeGreaterThan(1);
    expect(it.vanished(1)).toBe(true);
    expect(it.vanished(0)).toBe(false);
    expect(smallestStep(1, 1)).toBe(16 * Number.EPSILON);
    expect(smallestStep(0, 1)).toBeLessThan(1e-30);
    expect(smallestStep(0, 1)).toBeGreaterThan(1e-31);
  });

  it('damps with the error before, where the controller is proportional-integral', () => {
    const smooth = { ...controller, beta: 0.04 };
    const it = new AdaptivePace({ ...control, firstStep: 1, controller: smooth }, 0, 1e6);
    it.judge(it.stride(0, 1e6), 0.5);
    const size = it.size;
    it.judge(it.stride(0, 1e6), 0.5);
    expect(it.size / size).toBeCloseTo(0.9 * 0.5 ** -0.2 * 0.5 ** 0.04, 12);
  });
});

describe('fixed', () => {
  const steps = (stepSize: number, from: number, to: number): number[] => {
    const it = new FixedPace({ kind: 'fixed', stepSize, maxSteps: 1000 }, from, to);
    const times = [from];
    while (times.at(-1) !== to && times.length < 5000) {
      times.push(it.stride(times.at(-1) as number, to).next);
    }
    return times;
  };

  it('lays the steps from where the stretch began', () => {
    expect(steps(0.25, 1, 2)).toEqual([1, 1.25, 1.5, 1.75, 2]);
    expect(steps(0.4, 0, -1)).toEqual([0, -0.4, -0.8, -1]);
    expect(steps(0.001, 0, 1)[900]).toBe(0.9);
    expect(steps(7, 0, 1)).toEqual([0, 1]);
  });

  it('begins anew with the next stretch', () => {
    const it = new FixedPace({ kind: 'fixed', stepSize: 0.4, maxSteps: 10 }, 0, 2);
    it.begin(0);
    expect([it.stride(0, 1).next, it.stride(0.4, 1).next, it.stride(0.8, 1).next]).toEqual([
      0.4, 0.8, 1,
    ]);
    it.begin(1);
    expect(it.stride(1, 2)).toEqual({ next: 1.4, h: 1.4 - 1, cut: false });
  });
});

describe('the first step', () => {
  it('looks 1 % of the state ahead, or a millionth where that says nothing', () => {
    expect(trialStep(2, 4, 10)).toBe(0.005);
    expect(trialStep(2, 4, 0.001)).toBe(0.001);
    expect(trialStep(0, 4, 10)).toBe(1e-6);
    expect(trialStep(2, 0, 10)).toBe(1e-6);
    expect(trialStep(1, Number.POSITIVE_INFINITY, 10)).toBe(1e-6);
    expect(trialStep(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 10)).toBe(1e-6);
  });

  it('makes the change of the field a hundredth, but goes no further than 100 trials', () => {
    expect(firstStep(0.5, 1, 320, 4)).toBeCloseTo((0.01 / 320) ** 0.2, 15);
    expect(firstStep(1e-6, 1, 1, 4)).toBeCloseTo(1e-4, 18);
    expect(firstStep(0.5, 0, 0, 4)).toBeCloseTo(5e-4, 15);
  });

  it('is the trial where the field is not finite there', () => {
    expect(firstStep(0.5, 1, Number.NaN, 4)).toBe(0.5);
    expect(firstStep(0.5, 1, Number.POSITIVE_INFINITY, 4)).toBe(0.5);
  });
});
