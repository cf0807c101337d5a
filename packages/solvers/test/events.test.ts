/** Events against closed forms: bouncing balls, circles, timers; by both doors. */
import { reference } from '@neuralode/backend-reference';
import {
  dop853,
  EventsPileUpError,
  everyStep,
  type Happening,
  MaxStepsError,
  odeint,
  odeintEvent,
  type PlainEvent,
  radau5,
  rk4,
  solveIvp,
} from '@neuralode/solvers';
import { concat, memory, setBackend, stack, type Tensor, tensor } from '@neuralode/tensor';
import { beforeEach, describe, expect, it } from 'vitest';
import { decay, part } from './problems.ts';

let backend: Awaited<ReturnType<typeof setBackend>>;
beforeEach(async () => {
  backend = await setBackend(reference());
});

const gravity = 9.81;
const restitution = 0.8;
const height = 10;
const fall = (_: number, [, v]: Float64Array): number[] => [v, -gravity];
const bounce: PlainEvent<number[]> = {
  when: (_, [y]) => y,
  direction: -1,
  change: (_, [, v]) => [0, -restitution * v],
};
const fallOfTensors = (_: Tensor, y: Tensor): Tensor =>
  stack([y.at(1), y.at(1).mul(0).sub(gravity)]);
const bounceOfTensors = {
  when: (_: Tensor, y: Tensor) => y.at(0),
  direction: -1,
  change: (_: Tensor, y: Tensor) => stack([y.at(0).mul(0), y.at(1).mul(-restitution)]),
} as const;

/** When the ball, dropped at rest, is on the floor, up to `until`. */
function bounces(until: number): number[] {
  const times: number[] = [];
  let t = Math.sqrt((2 * height) / gravity);
  let speed = gravity * t;
  while (t < until) {
    times.push(t);
    speed *= restitution;
    t += (2 * speed) / gravity;
  }
  return times;
}

/** Height of the ball. */
function ball(t: number): number {
  const hits = bounces(t);
  const last = hits.length;
  if (last === 0) return height - (gravity * t * t) / 2;
  const since = t - hits[last - 1];
  const speed = gravity * hits[0] * restitution ** last;
  return speed * since - (gravity * since * since) / 2;
}

describe('a bouncing ball', () => {
  const ts = Array.from({ length: 25 }, (_, i) => i / 3);

  it('bounces when and as it should, and its dense output runs right across', () => {
    for (const method of [{}, { solver: rk4(), stepSize: 0.37 }, { solver: dop853() }]) {
      const { ys, events, at, stats } = solveIvp(fall, [height, 0], ts, {
        events: bounce,
        dense: true,
        ...method,
      });
      const hits = bounces(8);
      expect(hits.length).toBeGreaterThan(3);
      expect(events).toHaveLength(hits.length);
      events.forEach(({ t, event, y }, i) => {
        expect(event).toBe(0);
        expect(t).toBeCloseTo(hits[i], 11);
        expect(y[0]).toBeCloseTo(0, 11);
        expect(y[1]).toBeCloseTo(-gravity * hits[0] * restitution ** i, 10);
      });
      ts.forEach((t, i) => {
        expect(ys[i][0]).toBeCloseTo(ball(t), 9);
        expect(at(t)[0]).toBeCloseTo(ball(t), 9);
      });
      for (const t of hits) {
        for (const near of [t - 1e-4, t + 1e-4]) expect(at(near)[0]).toBeCloseTo(ball(near), 9);
      }
      expect(stats.status).toBe('success');
    }
  });

  it.each([
    ['dopri5', {}],
    ['dop853, with stages for the interpolant alone', { solver: dop853() }],
    ['radau5', { solver: radau5() }],
  ])('and so with tensors, by %s', async (_, method) => {
    const y0 = tensor([height, 0]);
    const before = memory(backend).liveBuffers;
    const solution = await odeint(fallOfTensors, y0, ts, {
      events: bounceOfTensors,
      dense: true,
      ...method,
    });
    const hits = bounces(8);
    expect(solution.events.map(({ t }) => t)).toEqual(hits.map((t) => expect.closeTo(t, 11)));
    const rows = (await solution.ys.array()) as number[][];
    const dense = await solution.at(ts);
    const anywhere = (await dense.array()) as number[][];
    ts.forEach((t, i) => {
      expect(rows[i][0]).toBeCloseTo(ball(t), 9);
      expect(anywhere[i][0]).toBeCloseTo(ball(t), 9);
    });
    expect(((await solution.events[1].y.array()) as number[])[0]).toBeCloseTo(0, 11);
    dense.dispose();
    solution.dispose();
    expect(memory(backend).liveBuffers).toBe(before);
  });

  it('and by conditions and changes that keep tensors of their own, while a device is full', async () => {
    // so many names for one buffer, which cannot be paged out, that of all other tensors the newest alone may stay
    const base = tensor([0]);
    const names = Array.from({ length: 20_000 }, () => base.reshape([1, 1]));
    const [floor, unit, still, kept] = [0, 1, 0, restitution].map((value) => tensor(value));
    const { events } = await odeint(fallOfTensors, tensor([height, 0]), [0, 4], {
      events: {
        when: (_, y) => y.at(0).sub(floor).mul(unit),
        direction: -1,
        change: (_, y) => stack([still, y.at(1).mul(kept).neg()]),
      },
    });
    expect(events.map(({ t }) => t)).toEqual(bounces(4).map((t) => expect.closeTo(t, 9)));
    expect(names).toHaveLength(20_000);
  });

  it('that bounces without end fails with a name, at the time of rest', async () => {
    const rest = (Math.sqrt((2 * height) / gravity) * (1 + restitution)) / (1 - restitution);
    const said =
      /odeint: events follow each other ever faster up to t = 12\.\d+\. End the solve there/;
    const { failure, events } = solveIvp(fall, [height, 0], [0, 30], {
      events: bounce,
      throwOnFailure: false,
    });
    expect(failure).toBeInstanceOf(EventsPileUpError);
    expect(failure?.time).toBeCloseTo(rest, 8);
    expect(events.length).toBeGreaterThan(100);
    const y0 = tensor([height, 0]);
    const before = memory(backend).liveBuffers;
    await expect(odeint(fallOfTensors, y0, [0, 30], { events: bounceOfTensors })).rejects.toThrow(
      said,
    );
    expect(memory(backend).liveBuffers).toBe(before);
  });
});

describe('a circle', () => {
  const turn = (_: number, [x, v]: Float64Array): number[] => [v, -x];
  const tight = { rtol: 1e-11, atol: 1e-11 };
  const times = (events: PlainEvent<number[]>, end = 10): number[] =>
    solveIvp(turn, [1, 0], [0, end], { ...tight, events }).events.map(({ t }) => t);
  const near = (expected: readonly number[]): unknown => expected.map((t) => expect.closeTo(t, 8));
  const quarter = Math.PI / 2;

  it('crosses zero when the cosine does, in each direction, and either', () => {
    const when = (_: number, [x]: Float64Array): number => x;
    expect(times({ when })).toEqual(near([1, 3, 5].map((n) => n * quarter)));
    expect(times({ when, direction: -1 })).toEqual(near([1, 5].map((n) => n * quarter)));
    expect(times({ when, direction: 1 })).toEqual(near([3 * quarter]));
    // backward in time a direction is that of the solve
    expect(times({ when, direction: -1 }, -10)).toEqual(near([-1, -5].map((n) => n * quarter)));
  });

  it('ends where it is told to: what lies behind is not observed', () => {
    const ended = solveIvp(turn, [1, 0], [0, 1, 2, 3], {
      ...tight,
      events: { when: (_, [x]) => x, terminal: true },
    });
    expect(ended.stats.status).toBe('ended-by-event');
    expect(ended.ts).toEqual([0, 1]);
    expect(ended.events).toHaveLength(1);
    expect(ended.events[0].t).toBeCloseTo(quarter, 9);
    expect(ended.events[0].y[1]).toBeCloseTo(-1, 8);
    const steps = solveIvp(turn, [1, 0], [0, 3], {
      events: { when: (_, [x]) => x, terminal: true },
      output: everyStep(),
      dense: true,
    });
    expect(steps.ts.at(-1)).toBe(steps.events[0].t);
    expect(() => steps.at(2)).toThrow('known from t = 0 to t = 1.57');
  });

  it('several at once, in the order of time; two crossings in one step; and with times of stop', () => {
    const events: PlainEvent<number[]>[] = [
      { when: (t) => t - 2 },
      { when: (_, [x]) => x },
      { when: (t) => (t - 1) * (t - 1.1) },
    ];
    const found = solveIvp(turn, [1, 0], [0, 3], { events, stepAt: [0.9], rtol: 1e-4 });
    expect(found.events.map(({ event }) => event)).toEqual([2, 2, 1, 0]);
    const at = found.events.map(({ t }) => t);
    expect(at).toEqual([1, 1.1, quarter, 2].map((t) => expect.closeTo(t, 3)));
    const plain = solveIvp(turn, [1, 0], [0, 3], { stepAt: [0.9], rtol: 1e-4 });
    expect(found.stats).toEqual(plain.stats);
  });

  it('two crossings between two looks are found where the condition dips', async () => {
    // x = sin t is above 1 − ε for 2 acos(1 − ε) about each crest
    for (const epsilon of [1e-2, 1e-4, 1e-6]) {
      const crests = [0, 1, 2].map((n) => quarter + 4 * n * quarter);
      const half = Math.acos(1 - epsilon);
      const expected = crests.flatMap((t) => [t - half, t + half]);
      const { events } = solveIvp(turn, [0, 1], [0, 6 * Math.PI], {
        ...tight,
        events: { when: (_, [x]) => x - (1 - epsilon) },
      });
      expect(events).toHaveLength(expected.length);
      // a crossing so shallow is as well conditioned as the root of its depth
      events.forEach(({ t }, i) => {
        expect(Math.abs(t - expected[i])).toBeLessThan(1e-9 / Math.sqrt(epsilon));
      });
    }
    // a step of ten units of time and a dip of a hundredth
    const when = (t: number): number => (t - 5.3) ** 2 - 0.01 ** 2;
    const { events, stats } = solveIvp(() => 0, 1, [0, 10], { events: { when } });
    expect(events.map(({ t }) => t)).toEqual([5.29, 5.31].map((t) => expect.closeTo(t, 12)));
    expect(stats.accepted).toBeLessThan(10);
    const rising = solveIvp(() => 0, 1, [0, 10], { events: { when, direction: 1 } });
    expect(rising.events.map(({ t }) => t)).toEqual([expect.closeTo(5.31, 12)]);
    const first = await odeintEvent(decay, tensor([1]), [0, 10], {
      events: { when: (t) => t.sub(5.3).square().sub(1e-4) },
    });
    expect(await first.t.item()).toBeCloseTo(5.29, 12);
  });

  it('a condition that is zero at the start is no event', () => {
    expect(times({ when: (_, [, v]) => v }, 4)).toEqual(near([Math.PI]));
  });

  it('an event at the very end of the solve, or of a step, is there', async () => {
    const still = (): number => 0;
    for (const rising of [1, -1]) {
      const when = (t: number): number => rising * (t - 1);
      const { events } = solveIvp(still, 1, [0, 1], { events: { when } });
      expect(events.map(({ t }) => t)).toEqual([1]);
    }
    const steps = { solver: rk4(), stepSize: 0.5 };
    const amid = solveIvp(still, 1, [0, 2], { ...steps, events: { when: (t) => t - 0.5 } });
    expect(amid.events.map(({ t }) => t)).toEqual([0.5]);
    const ended = solveIvp(still, 1, [0, 1], { events: { when: (t) => t - 1, terminal: true } });
    expect([ended.stats.status, ended.ts]).toEqual(['ended-by-event', [0, 1]]);
    const changed = solveIvp(still, 1, [0, 1], {
      events: { when: (t) => t - 1, change: () => 5 },
      dense: true,
    });
    expect([changed.stats.status, changed.ys, changed.at(1)]).toEqual(['success', [1, 1], 1]);
    const tensors = await odeint(decay, tensor([1]), [0, 1], {
      events: { when: (t) => t.sub(1), change: (_, y) => y.add(5) },
    });
    expect(tensors.events.map(({ t }) => t)).toEqual([1]);
    const { t } = await odeintEvent(decay, tensor([1]), [0, 1], {
      events: { when: (each) => each.sub(1) },
    });
    expect(await t.item()).toBe(1);
  });

  it('a change that carries a condition across zero is no crossing', () => {
    const events: PlainEvent<number>[] = [
      { when: (_, y) => y - 1, direction: 1, change: () => 5 },
      { when: (_, y) => y - 3 },
    ];
    const found = solveIvp(() => 1, 0, [0, 3], { events }).events;
    expect(found.map(({ event }) => event)).toEqual([0]);
  });

  it('events at the same time both change the state', () => {
    const double: PlainEvent<number> = { when: (t) => t - 1, change: (_, y) => 2 * y };
    const add: PlainEvent<number> = { when: (t) => 2 * t - 2, change: (_, y) => y + 1 };
    const { ys, events } = solveIvp(() => 0, 1, [0, 2], { events: [double, add] });
    expect(ys[1]).toBe(3);
    expect(events.map(({ event }) => event)).toEqual([0, 1]);
  });
});

describe('with tensors', () => {
  const turn = (_: Tensor, y: Tensor, w: Tensor): Tensor =>
    concat([part(y, 1), part(y, 0).neg()]).mul(w);

  it('conditions see args and what they capture, on trees, in float32', async () => {
    const level = tensor(0.5);
    const { events, ts, ys, stats } = await odeint(turn, tensor([1, 0]), [0, 0.25, 3], {
      args: tensor(2),
      rtol: 1e-9,
      atol: 1e-9,
      events: { when: (_, y, w) => y.at(0).sub(level).mul(w), terminal: true },
    });
    expect(events[0].t).toBeCloseTo(Math.PI / 6, 8);
    expect(stats.status).toBe('ended-by-event');
    expect(ts).toEqual([0, 0.25]);
    expect(ys.shape).toEqual([2, 2]);
    const state = { a: tensor([1], { dtype: 'float32' }) };
    const field = (_: Tensor, y: typeof state): typeof state => ({ a: y.a.neg() });
    const single = await odeint(field, state, [0, 3], {
      rtol: 1e-5,
      events: {
        when: (_, y) => y.a.sum().sub(0.5),
        change: (_, y) => ({ a: y.a.mul(0).add(1) }),
      },
    });
    const expected = [1, 2, 3, 4].map((n) => expect.closeTo(n * Math.LN2, 4));
    expect(single.events.map(({ t }: Happening<unknown>) => t)).toEqual(expected);
  });

  it('the same as plain numbers, steps and all; save and every step too', async () => {
    const plain = solveIvp(fall, [height, 0], [0, 5], { events: bounce, output: everyStep() });
    const tensors = await odeint(fallOfTensors, tensor([height, 0]), [0, 5], {
      events: bounceOfTensors,
      output: everyStep(),
      save: (_, y) => y.at(0),
    });
    expect(tensors.stats).toEqual(plain.stats);
    expect(tensors.ts.at(-1)).toBe(5);
    expect(tensors.ts).toHaveLength(plain.ts.length);
    expect(tensors.ys.shape).toEqual([plain.ts.length]);
  });

  it('leaves nothing where the solve ends, or fails', async () => {
    const y0 = tensor([1]);
    const before = memory(backend).liveBuffers;
    const when = (_: Tensor, y: Tensor): Tensor => y.sum().sub(0.5);
    const ended = await odeint(decay, y0, [0, 3], {
      events: { when, terminal: true },
      dense: true,
    });
    ended.dispose();
    expect(memory(backend).liveBuffers).toBe(before);
    const options = { events: { when, change: (_: Tensor, y: Tensor) => y.add(2) }, maxSteps: 20 };
    await expect(odeint(decay, y0, [0, 300], options)).rejects.toThrow(MaxStepsError);
    expect(memory(backend).liveBuffers).toBe(before);
  });
});
