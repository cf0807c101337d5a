import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextCheckpoint, OnlineSchedule, repetitions } from './checkpoint-schedule.ts';

/** The fewest steps forwards with which `steps` can be reversed, by trying every place for the next state. */
function fewest(steps: number, states: number, known = new Map<string, number>()): number {
  if (steps <= 1) return 0;
  if (states === 1) return (steps * (steps - 1)) / 2;
  const key = `${steps} ${states}`;
  let best = known.get(key);
  if (best === undefined) {
    best = Number.POSITIVE_INFINITY;
    for (let m = 1; m < steps; m++) {
      const right = fewest(steps - m, states - 1, known);
      best = Math.min(best, m + right + fewest(m, states, known));
    }
    known.set(key, best);
  }
  return best;
}

function taken(steps: number, states: number): number {
  if (steps <= 1) return 0;
  if (states === 1) return (steps * (steps - 1)) / 2;
  const m = nextCheckpoint(steps, states);
  return m + taken(steps - m, states - 1) + taken(m, states);
}

it('places states where the fewest steps are repeated', () => {
  for (let states = 1; states <= 7; states++) {
    const known = new Map<string, number>();
    for (let steps = 1; steps <= 60; steps++) {
      expect(taken(steps, states)).toBe(fewest(steps, states, known));
    }
  }
});

it('knows how often steps are repeated at the least', () => {
  // With three states, the first included: 1, 4, 10, 20 steps.
  expect([1, 2, 4, 5, 10, 11, 20, 21].map((steps) => repetitions(steps, 3))).toEqual([
    0, 1, 1, 2, 2, 3, 3, 4,
  ]);
});

describe('while the number of steps is not known', () => {
  it('keeps the newest state and never more than the budget', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 300 }),
        (budget, n) => {
          const schedule = new OnlineSchedule(budget);
          const kept = new Set<number>();
          for (let position = 1; position <= n; position++) {
            const dropped = schedule.reach(position);
            if (dropped !== undefined) expect(kept.delete(dropped)).toBe(true);
            kept.add(position);
            expect(kept.size).toBe(Math.min(position, budget));
          }
        },
      ),
    );
  });

  it('leaves no gap that takes more repetitions than the binomial bound', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 2, max: 800 }),
        (budget, n) => {
          const schedule = new OnlineSchedule(budget);
          let kept: number[] = [];
          for (let position = 1; position < n; position++) {
            const dropped = schedule.reach(position);
            kept = [...kept.filter((each) => each !== dropped), position];
          }
          const bound = repetitions(n, budget + 1);
          const ends = [...kept, n];
          [0, ...kept].forEach((from, i) => {
            // The states after this gap are free by the time it is reversed.
            const states = 1 + budget - i;
            expect(repetitions(ends[i] - from, states)).toBeLessThanOrEqual(bound);
          });
        },
      ),
    );
  });
});
