/** Events that are none, and conditions and changes that do not do as they should; by both doors. */
import { jit } from '@neuralode/autodiff';
import { reference } from '@neuralode/backend-reference';
import { FieldError, NonFiniteError, odeint, rk4, solveIvp } from '@neuralode/solvers';
import { setBackend, type Tensor, tensor } from '@neuralode/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { decay } from './problems.ts';

beforeAll(async () => {
  await setBackend(reference());
});

describe('refusals', () => {
  const still = (_: number, y: Float64Array): Float64Array => y;
  const refused = (events: unknown, message: string): void => {
    expect(() => solveIvp(still, [1, 2], [0, 1], { events } as never)).toThrow(message);
  };

  it('of what is no event', async () => {
    refused({ when: 1 }, 'solveIvp: event 0: when must be a function; got 1.');
    refused(
      [{ when: still, direction: 2 }],
      'solveIvp: event 0: direction must be 1, -1 or 0; got 2.',
    );
    refused(
      { when: still, stop: true },
      'solveIvp: event 0: there are only when, direction, terminal, change; got stop.',
    );
    const object = 'event 0: an event is an object { when: (t, y) => … }; got ';
    refused(function land() {}, `solveIvp: ${object}the function land.`);
    refused([null], `solveIvp: ${object}null.`);
    refused({}, 'solveIvp: event 0: when must be a function; got undefined.');
    refused(
      { when: still, terminal: true, change: still },
      'solveIvp: event 0 is terminal, so that its change would change nothing. Leave one of them out; the state that was reached is handed back.',
    );
    refused({ when: still, change: 1 }, 'solveIvp: event 0: change must be a function; got 1.');
    refused(
      { when: () => 'a' },
      "solveIvp: the condition of event 0 is not a number; got 'a'. Return a number, whose sign is watched.",
    );
    refused(
      { when: (t: number) => t - 0.5, change: () => [1] },
      'solveIvp: the change of event 0 does not fit the state; got [1]; expected 2 numbers. Return the state from there on.',
    );
    const run = (events: unknown): Promise<unknown> =>
      odeint(decay, tensor([1, 2]), [0, 1], { events } as never);
    await expect(run({ when: (_: Tensor, y: Tensor) => y })).rejects.toThrow(
      'odeint: the condition of event 0 is not a scalar tensor; got [2]. Reduce it, for instance with .sum() or .at(i).',
    );
    const when = (t: Tensor): Tensor => t.sub(0.5);
    await expect(run({ when, change: (_: Tensor, y: Tensor) => y.sum() })).rejects.toThrow(
      'odeint: the change of event 0 does not fit the state; got float64[]; expected float64[2].',
    );
  });

  it.each<[unknown, string]>([
    [() => undefined, 'nothing'],
    [(_: number, y: number[]) => void y.reverse(), 'nothing'],
    [() => null, 'null'],
    [() => 1, '1'],
    [() => '12', "'12'"],
    [() => ['1', '2'], "['1', '2']"],
    [async () => [1, 2], 'a promise'],
  ])('of a change that makes no state: %o', (change, got) => {
    refused(
      { when: (t: number) => t - 0.5, change },
      `solveIvp: the change of event 0 does not fit the state; got ${got}; expected 2 numbers. Return the state from there on.`,
    );
  });

  it.each<[unknown, string]>([
    [() => undefined, 'nothing'],
    [() => 1, '1'],
    [async (_: Tensor, y: Tensor) => y, 'a promise'],
    [(_: Tensor, y: Tensor) => ({ a: y }), 'a'],
  ])('of a change that makes no tree like the state: %o', async (change, got) => {
    const events = { when: (t: Tensor): Tensor => t.sub(0.5), change } as never;
    await expect(odeint(decay, tensor([1, 2]), [0, 1], { events })).rejects.toThrow(
      new FieldError({
        what: 'odeint: the change of event 0 is not a tree of tensors like the state',
        got,
        remedy: 'Return the state from there on, with a tensor wherever y has one',
      }),
    );
  });

  it.each<[unknown, string]>([
    [
      () => undefined,
      'is not a scalar tensor; got nothing. Return a tensor, whose sign is watched.',
    ],
    [() => 1, 'is not a scalar tensor; got 1. Return a tensor, whose sign is watched.'],
    [
      (t: Tensor) => t.greater(0.5),
      'is not a floating-point number; got bool. Return what is compared, such as t.sub(1) for t.greater(1).',
    ],
  ])('of a condition of tensors that is none: %o', async (when, message) => {
    const events = { when } as never;
    await expect(odeint(decay, tensor([1, 2]), [0, 1], { events })).rejects.toThrow(
      `odeint: the condition of event 0 ${message}`,
    );
  });

  it('of a condition that is not a number, with its time; the state comes first', async () => {
    const remedy =
      'Make it one wherever the solve goes, for instance of what stands under its root or logarithm.';
    const fail = (run: () => unknown): NonFiniteError => {
      try {
        run();
      } catch (error) {
        return error as NonFiniteError;
      }
      throw new Error('nothing failed');
    };
    // y falls below 0.5 at t = 0.5
    const plain = fail(() =>
      solveIvp(() => -1, 1, [0, 1], { events: { when: (_, y) => Math.sqrt(y - 0.5) } }),
    );
    const tensors = fail(() =>
      odeint.sync((_, y) => y.mul(0).sub(1), tensor(1), [0, 1], {
        events: { when: (_, y) => y.sub(0.5).sqrt() },
      }),
    );
    for (const [who, error] of [
      ['solveIvp', plain],
      ['odeint', tensors],
    ] as const) {
      expect(error).toBeInstanceOf(NonFiniteError);
      expect(error.message).toBe(
        `${who}: the condition of event 0 is not a number at t = ${error.time}. ${remedy}`,
      );
      expect(error.time).toBeGreaterThan(0.5);
    }
    const when = (): number => Number.NaN;
    expect(fail(() => solveIvp(() => -1, 1, [0, 1], { events: { when } })).time).toBe(0);
    // fixed steps look at the state only now and then
    const grows = fail(() =>
      odeint.sync((_, y) => y.mul(y).mul(y), tensor(1e100), [0, 1], {
        solver: rk4(),
        stepSize: 0.1,
        events: { when: (_, y) => y.mul(0).add(1) },
      }),
    );
    expect(grows.message).toMatch(/^odeint: the field or the state is not finite after the step/);
  });

  it('inside a recorded function', async () => {
    const events = { when: (_: Tensor, y: Tensor) => y.sum(), terminal: true };
    const run = jit((y: Tensor) => odeint(decay, y, [0, 1], { events }).ys);
    await expect(run(tensor([1]))).rejects.toThrow(
      'odeint: events is not to be had inside a recorded function, where the number of steps is not known.',
    );
  });
});
