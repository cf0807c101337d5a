/** Gradients of event times and of the states there, against closed forms and differences. */
import { direct, backsolve } from '@neuralode/adjoint';
import { grad, jit, jvp, valueAndGrad } from '@neuralode/autodiff';
import { reference } from '@neuralode/backend-reference';
import { dopri5, type GradientMethod, odeintEvent, radau5, rk4 } from '@neuralode/solvers';
import { ArgumentError, memory, setBackend, stack, type Tensor, tensor } from '@neuralode/tensor';
import { beforeEach, describe, expect, it } from 'vitest';
import { centralGradient, relativeError } from './numeric.ts';

beforeEach(async () => {
  await setBackend(reference());
});

const tight = { rtol: 1e-11, atol: 1e-12 };
const vector = (values: readonly number[]): Tensor => tensor(Float64Array.from(values));

/** A ball [height, speed] in a field of gravity, up to the floor: both of them parameters. */
interface Ball {
  readonly y0: Tensor;
  readonly gravity: Tensor;
  readonly floor: Tensor;
}

function impact(ball: Ball, end: Tensor | readonly number[], gradient: GradientMethod) {
  const fall = (_: Tensor, y: Tensor, gravity: Tensor): Tensor => stack([y.at(1), gravity.neg()]);
  return odeintEvent.sync(fall, ball.y0, end, {
    args: ball.gravity,
    events: { when: (_, y) => y.at(0).sub(ball.floor), direction: -1 },
    gradient,
    ...tight,
  });
}

const ballOf = (p: Tensor): Ball => ({ y0: p.slice([0], [2]), gravity: p.at(2), floor: p.at(3) });

/** When it lands, in closed form. */
function landing([height, speed, gravity, floor]: readonly number[]): number {
  return (speed + Math.sqrt(speed * speed + 2 * gravity * (height - floor))) / gravity;
}

const at = [3, 1.5, 9.81, 0.4];
const methods = [
  ['direct', direct()],
  ['backsolve', backsolve()],
] as const;

describe.each(methods)('%s', (_, gradient) => {
  it('gives the time of an event its gradient, by everything that it depends on', () => {
    const { value, grads: got } = valueAndGrad(
      (p: Tensor) => impact(ballOf(p), [0, 5], gradient).t,
    ).sync(vector(at));
    expect(value.dataSync()[0]).toBeCloseTo(landing(at), 9);
    expect(relativeError([...got.dataSync()], centralGradient(landing, at))).toBeLessThan(1e-8);
  });

  it('gives the state at the event its gradient', () => {
    // Speed at the floor: −√(v² + 2 g (h − floor)).
    const speed = (p: readonly number[]): number => p[1] - p[2] * landing(p);
    const got = grad((p: Tensor) => impact(ballOf(p), [0, 5], gradient).y.at(1)).sync(vector(at));
    expect(relativeError([...got.dataSync()], centralGradient(speed, at))).toBeLessThan(1e-8);
  });

  it('gives second derivatives', () => {
    const weights = vector([1, 2, -1, 0.5]);
    const time = (q: Tensor): Tensor => impact(ballOf(q), [0, 5], gradient).t;
    const second = grad((p: Tensor) => grad(time).sync(p).mul(weights).sum()).sync(vector(at));
    const first = (p: readonly number[]): number => {
      const [a, b, c, d] = centralGradient(landing, p, 1e-4);
      return a + 2 * b - c + 0.5 * d;
    };
    expect(relativeError([...second.dataSync()], centralGradient(first, at, 1e-4))).toBeLessThan(
      1e-5,
    );
  });

  it('goes on across changes of the state', () => {
    // Dropped at rest, bouncing with restitution e: the third impact is at t₁ (1 + 2e + 2e²).
    const third = ([height, e]: readonly number[]): number =>
      Math.sqrt((2 * height) / 9.81) * (1 + 2 * e + 2 * e * e);
    const thirdImpact = (p: Tensor): Tensor => {
      const gravity = tensor(Float64Array.of(9.81)).at(0);
      const floor = p.at(0).mul(0);
      let y0 = stack([p.at(0), floor]);
      let span = vector([0, 10]);
      for (let bounce = 0; ; bounce++) {
        const { t, y } = impact({ y0, gravity, floor }, span, gradient);
        if (bounce === 2) return t;
        // Just above the floor, or rounding would let it fall through.
        y0 = stack([y.at(0).mul(0), y.at(1).mul(p.at(1)).neg()]);
        span = stack([t, vector([10]).at(0)]);
      }
    };
    const { value, grads: got } = valueAndGrad(thirdImpact).sync(vector([2, 0.7]));
    expect(value.dataSync()[0]).toBeCloseTo(third([2, 0.7]), 8);
    const expected = centralGradient(third, [2, 0.7]);
    expect(relativeError([...got.dataSync()], expected)).toBeLessThan(1e-7);
  });

  it('moves with the end where nothing fires', () => {
    const high = {
      y0: vector([3, 1.5]),
      gravity: vector([9.81]).at(0),
      floor: vector([-1e6]).at(0),
    };
    const { event } = impact(high, [0, 0.5], gradient);
    expect(event.dataSync()[0]).toBe(-1);
    const got = grad((ts: Tensor) => impact(high, ts, gradient).t).sync(vector([0, 0.5]));
    expect([...got.dataSync()]).toEqual([0, 1]);
  });
});

describe('of a pendulum', () => {
  const swing = (_: Tensor, { angle, rate }: { angle: Tensor; rate: Tensor }) => ({
    angle: rate,
    rate: angle.sin().neg(),
  });
  /** The time from rest to the lowest point: a quarter of the period. */
  const quarter = (start: Tensor, options: object): Tensor =>
    odeintEvent.sync(swing, { angle: start, rate: start.mul(0) }, [0, 20], {
      events: [
        { when: (_, { rate }) => rate.sub(10) },
        { when: (_, { angle }) => angle, direction: -1 },
      ],
      gradient: direct(),
      ...options,
    }).t;
  /** K(k) by the arithmetic-geometric mean, k = sin(θ₀/2) (Abramowitz, Stegun 17.6.3). */
  const elliptic = ([angle]: readonly number[]): number => {
    let [a, b] = [1, Math.cos(angle / 2)];
    while (Math.abs(a - b) > 1e-15) [a, b] = [(a + b) / 2, Math.sqrt(a * b)];
    return Math.PI / (2 * a);
  };

  it.each([
    ['dopri5', { solver: dopri5(), ...tight }],
    ['radau5', { solver: radau5(), rtol: 1e-9, atol: 1e-10 }],
    ['rk4', { solver: rk4(), stepSize: 0.01 }],
  ] as const)('by %s, to which an event is just another end', (_, options) => {
    const { value, grads } = valueAndGrad((start: Tensor) => quarter(start, options)).sync(
      vector([1.2]).at(0) as Tensor,
    );
    expect(value.dataSync()[0]).toBeCloseTo(elliptic([1.2]), 7);
    expect(grads.dataSync()[0]).toBeCloseTo(centralGradient(elliptic, [1.2])[0], 6);
  });

  it('in forward mode', () => {
    const { tangent } = jvp.sync(
      (start: Tensor) => quarter(start, { gradient: undefined, ...tight }),
      [vector([1.2]).at(0)],
      [vector([1]).at(0)],
    ) as { tangent: Tensor };
    expect(tangent.dataSync()[0]).toBeCloseTo(centralGradient(elliptic, [1.2])[0], 7);
  });
});

it('gives the same inside a compiled function and outside, and frees what it used', () => {
  const ball = { y0: vector([3, 1.5]), gravity: vector([9.81]).at(0), floor: vector([0.4]).at(0) };
  const outside = impact(ball, [0, 5], direct());
  const compiled = jit((y0: Tensor) => impact({ ...ball, y0 }, [0, 5], direct()));
  const inside = compiled.sync(ball.y0);
  expect([...inside.y.dataSync()]).toEqual([...outside.y.dataSync()]);
  expect(inside.event.dataSync()[0]).toBe(0);
  const before = memory().liveBuffers;
  const again = compiled.sync(ball.y0);
  for (const each of [again.t, again.y, again.event]) each.dispose();
  expect(memory().liveBuffers).toBe(before);
});

it.each([
  ['no event', { events: [] }, /no event to look for/],
  [
    'a change',
    { events: { when: () => vector([1]).at(0), change: (_: Tensor, y: Tensor) => y } },
    /change has no place/,
  ],
  [
    'dense output',
    { events: { when: () => vector([1]).at(0) }, dense: true },
    /dense has no place/,
  ],
])('refuses %s', (_, options, message) => {
  const call = (): unknown =>
    odeintEvent.sync((_t: Tensor, y: Tensor) => y, vector([1]), [0, 1], options as never);
  expect(call).toThrow(ArgumentError);
  expect(call).toThrow(message);
});

it('refuses more than two times', () => {
  expect(() =>
    odeintEvent.sync((_t: Tensor, y: Tensor) => y, vector([1]), [0, 1, 2], {
      events: { when: (_, y) => y.at(0) },
    }),
  ).toThrow(/3 times/);
});
