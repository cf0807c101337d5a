/** Devices that must be waited for: the same numbers, clear errors, and solves that do not disturb each other. */
import { setTimeout as sleep } from 'node:timers/promises';
import { reference } from '@neuralode/backend-reference';
import { type Field, type OdeintOptions, odeint, rk4 } from '@neuralode/solvers';
import {
  type Backend,
  BackendError,
  memory,
  setBackend,
  type Tensor,
  tensor,
} from '@neuralode/tensor';
import { describe, expect, it } from 'vitest';
import { decay, lotkaVolterra, solve, swirl } from './problems.ts';

/** A device that can only be read by waiting; what is freed too early is not there any more by then. */
function waiting(): Backend {
  const { readSync, ...device } = reference();
  return {
    ...device,
    name: 'waiting',
    read: async (handle) => {
      await sleep(0);
      return device.read(handle);
    },
  };
}

const times = [0, 0.21, 0.5, 1];
const methods: readonly (readonly [string, OdeintOptions<undefined>])[] = [
  ['dopri5', { rtol: 1e-4, atol: 1e-6 }],
  ['rk4', { solver: rk4(), stepSize: 1 / 32 }],
];

async function solveWaiting(
  field: Field<Tensor>,
  y0: readonly number[],
  options: OdeintOptions<undefined>,
): Promise<{ rows: number[][]; stats: unknown }> {
  const { ys, stats } = await odeint(field, tensor([...y0]), times, options);
  return { rows: (await ys.array()) as number[][], stats };
}

describe.each(methods)('%s', (_, options) => {
  it('gives the same to the last bit, awaited or not, on a device that must be waited for', async () => {
    await setBackend(reference());
    const plain = solve(lotkaVolterra, [10, 5], times, options);
    expect(await solveWaiting(lotkaVolterra, [10, 5], options)).toEqual(plain);
    await setBackend(waiting());
    expect(await solveWaiting(lotkaVolterra, [10, 5], options)).toEqual(plain);
  });

  it('.sync says what to do where it cannot be had, and leaves nothing behind', async () => {
    const backend = await setBackend(waiting());
    const y0 = tensor([1, 2]);
    const before = memory(backend).liveBuffers;
    const run = (): unknown => odeint.sync(decay, y0, times, options);
    expect(run).toThrow(BackendError);
    expect(run).toThrow(
      '.sync() is not to be had on backend "waiting": it cannot be read without waiting. Call the function itself and await its result.',
    );
    expect(memory(backend).liveBuffers).toBe(before);
    expect(y0.disposed).toBe(false);
  });

  it('two solves at a time do not disturb each other', async () => {
    for (const make of [reference, waiting]) {
      await setBackend(make());
      const first = await solveWaiting(lotkaVolterra, [10, 5], options);
      const second = await solveWaiting(swirl.field, [1, 0.5], options);
      const both = await Promise.all([
        solveWaiting(lotkaVolterra, [10, 5], options),
        solveWaiting(swirl.field, [1, 0.5], options),
        solveWaiting(lotkaVolterra, [10, 5], options),
      ]);
      expect(both).toEqual([first, second, first]);
    }
  });

  it('a read that fails fails the solve, and leaves nothing behind', async () => {
    const device = waiting();
    const lost = async (): Promise<never> => {
      throw new Error('device lost');
    };
    const backend = await setBackend({ ...device, read: lost });
    const y0 = tensor([1, 2]);
    const before = memory(backend).liveBuffers;
    await expect(odeint(decay, y0, times, options)).rejects.toThrow('device lost');
    expect(memory(backend).liveBuffers).toBe(before);
  });

  it('a readSync that fails does too', async () => {
    const readSync = (): never => {
      throw new Error('device lost');
    };
    const backend = await setBackend({ ...reference(), readSync });
    const y0 = tensor([1, 2]);
    const before = memory(backend).liveBuffers;
    await expect(odeint(decay, y0, times, options)).rejects.toThrow('device lost');
    expect(() => odeint.sync(decay, y0, times, options)).toThrow('device lost');
    expect(memory(backend).liveBuffers).toBe(before);
  });
});

it('solves end while others fail', async () => {
  await setBackend(waiting());
  const broken: Field<Tensor> = (_, y) => y.square();
  const [fails, ends] = await Promise.allSettled([
    odeint(broken, tensor([1]), [0, 2]),
    odeint(decay, tensor([1]), [0, 2]),
  ]);
  expect(fails.status).toBe('rejected');
  expect(ends.status).toBe('fulfilled');
});
