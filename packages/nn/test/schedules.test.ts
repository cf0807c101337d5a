/** Schedules against their closed forms. */
import { reference } from '@neuralode/backend-reference';
import { cosineDecay, exponentialDecay, type Schedule, warmup } from '@neuralode/nn';
import { ArgumentError, setBackend, tensor } from '@neuralode/tensor';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';

beforeAll(() => setBackend(reference()));

const at = (schedule: Schedule, step: number): number => schedule(tensor(step)).itemSync();
const steps = fc.integer({ min: 0, max: 500 });

describe('schedules', () => {
  it('exponentialDecay is start · factor^(step / over)', () => {
    const schedule = exponentialDecay({ start: 0.1, factor: 0.5, over: 20 });
    fc.assert(
      fc.property(steps, (step) => {
        expect(at(schedule, step) / (0.1 * 0.5 ** (step / 20))).toBeCloseTo(1, 12);
      }),
    );
    expect(at(exponentialDecay({ start: 1, factor: 0.9 }), 2)).toBeCloseTo(0.81, 14);
  });

  it('exponentialDecay stops at end', () => {
    expect(at(exponentialDecay({ start: 1, factor: 0.1, end: 0.005 }), 50)).toBe(0.005);
  });

  it('cosineDecay goes from start through the mean to end, and stays there', () => {
    const schedule = cosineDecay({ start: 3, end: 1, over: 40 });
    expect(at(schedule, 0)).toBeCloseTo(3, 14);
    expect(at(schedule, 20)).toBeCloseTo(2, 14);
    expect(at(schedule, 40)).toBeCloseTo(1, 14);
    expect(at(schedule, 400)).toBeCloseTo(1, 14);
    fc.assert(
      fc.property(steps, (step) => {
        const part = Math.min(step, 40) / 40;
        expect(at(schedule, step)).toBeCloseTo(1 + (1 + Math.cos(Math.PI * part)), 13);
      }),
    );
  });

  it('warmup rises linearly to the first rate, then lets the other begin', () => {
    const then = exponentialDecay({ start: 1, factor: 0.5 });
    const schedule = warmup(4, then);
    expect([0, 1, 2, 3, 4, 5, 6].map((step) => at(schedule, step))).toEqual(
      [0.25, 0.5, 0.75, 1, 1, 0.5, 0.25].map((rate) => expect.closeTo(rate, 14)),
    );
    expect([0, 1, 2].map((step) => at(warmup(2, 0.3), step))).toEqual([0.15, 0.3, 0.3]);
  });

  it('refuse lengths and factors that are not positive', () => {
    expect(() => exponentialDecay({ start: 1, factor: 0 })).toThrow(ArgumentError);
    expect(() => exponentialDecay({ start: 1, factor: 0.5, over: -1 })).toThrow(ArgumentError);
    expect(() => cosineDecay({ start: 1, over: 0 })).toThrow(/over out of range; got 0/);
    expect(() => warmup(0, 1)).toThrow(ArgumentError);
  });
});
