/** The parts of `spirals`: errors by hand, training that stops and goes on, and what can be typed. */
import { PassThrough } from 'node:stream';
import { wasm } from '@neuralode/backend-wasm';
import { setBackend } from '@neuralode/tensor';
import { beforeAll, describe, expect, test } from 'vitest';
import { runCommandLine } from '../src/command-line.ts';
import type { Request, SpiralsOptions } from '../src/options.ts';
import { drawSpirals } from '../src/spirals/spirals-data.ts';
import { afterFirstObservation, rmse } from '../src/spirals/spirals-errors.ts';
import { type SpiralsIteration, SpiralsTraining } from '../src/spirals/spirals-training.ts';

const stdout = new PassThrough() as unknown as NodeJS.WriteStream;

/** What `spirals` is asked for by a command line. */
async function asked(...args: string[]): Promise<Request<SpiralsOptions>> {
  const requests: Request<SpiralsOptions>[] = [];
  const handlers = {
    fit: async () => 1,
    cnf: async () => 1,
    mnist: async () => 1,
    paper: async () => 1,
    spirals: async (request: Request<SpiralsOptions>) => {
      requests.push(request);
      return 0;
    },
  };
  await runCommandLine(['spirals', ...args], handlers, { stdout, stderr: stdout });
  return requests[0]!;
}

describe('what is typed', () => {
  test('arrives with its defaults', async () => {
    const { options, given } = await asked();
    expect(options).toMatchObject({ backend: 'simd', solver: 'dopri5', seed: 0 });
    expect([30, 50, 100]).toContain(options.points);
    expect(given.size).toBe(0);
    expect((await asked('--points', '100', '--epochs', '7')).options).toMatchObject({
      points: 100,
      epochs: 7,
    });
  });

  test('is refused where there is no such number of points', async () => {
    await expect(asked('--points', '40')).rejects.toThrow(/points.*30, 50, 100/);
  });
});

describe('errors', () => {
  test('are root mean squares against the clean curve', () => {
    const { test: set } = drawSpirals(30, 3);
    const off = { values: set.clean.map((value) => value + 0.5), times: 200 };
    expect(rmse(set, off, { from: 0, to: 100 })).toBeCloseTo(0.5, 12);
    const beyond = new Float64Array(set.count * 100 * 2);
    for (let s = 0; s < set.count; s++) {
      beyond.set(set.clean.subarray(s * 400 + 200, (s + 1) * 400), s * 200);
    }
    const curves = { values: beyond, times: 100 };
    expect(rmse(set, curves, { from: 100, to: 200, curvesFrom: 100 })).toBe(0);
    expect(rmse(set, curves, { from: 101, to: 200, curvesFrom: 101 })).toBeGreaterThan(0.01);
  });

  test('of the baseline begin after the first observation', () => {
    const { test: set } = drawSpirals(30, 3);
    for (const s of [0, 7]) {
      const first = afterFirstObservation(set)(s);
      expect(set.mask[s * 100 + first - 1]).toBe(1);
      expect(set.mask.subarray(s * 100, s * 100 + first - 1).every((one) => one === 0)).toBe(true);
    }
  });
});

describe('training', () => {
  beforeAll(async () => {
    await setBackend(wasm());
  });

  const options: SpiralsOptions = {
    backend: 'wasm',
    solver: 'dopri5',
    gradient: 'direct',
    rtol: 1e-3,
    atol: 1e-4,
    epochs: 4,
    seed: 1,
    points: 50,
  };

  /** Trains until the signal or the end. */
  async function follow(training: SpiralsTraining, until = Number.POSITIVE_INFINITY) {
    const stop = new AbortController();
    const lines: SpiralsIteration[] = [];
    await training.run(stop.signal, async (line) => {
      lines.push(line);
      if (line.iteration >= until) stop.abort();
    });
    return lines;
  }

  test('goes on from a checkpoint as if it had not stopped, the clocks too', async () => {
    const data = drawSpirals(options.points, options.seed);
    const whole = await follow(new SpiralsTraining(data, options, undefined));
    const first = new SpiralsTraining(data, options, undefined);
    const before = await follow(first, 2);
    expect(first.done).toBe(2);
    const second = new SpiralsTraining(data, options, await first.checkpoint());
    expect(second.done).toBe(2);
    const after = await follow(second);
    expect([...before, ...after].map(({ loss }) => loss)).toEqual(whole.map(({ loss }) => loss));
    expect(after.map(({ iteration }) => iteration)).toEqual([3, 4]);
    expect(after[0]!.modelSeconds).toBeGreaterThan(before[1]!.modelSeconds);
    expect(after[0]!.baselineUpdates).toBeGreaterThanOrEqual(before[1]!.baselineUpdates);
  });

  test('gives both models the same time', async () => {
    const data = drawSpirals(options.points, options.seed);
    const lines = await follow(new SpiralsTraining(data, { ...options, epochs: 8 }, undefined));
    const { modelSeconds, baselineSeconds, baselineUpdates } = lines.at(-1)!;
    expect(baselineSeconds).toBeGreaterThanOrEqual(modelSeconds);
    expect(baselineUpdates).toBeGreaterThan(0);
    expect(lines[0]!.nfe.forward).toBeGreaterThan(0);
    expect(lines[0]!.nfe.backward).toBeGreaterThan(0);
  });
});
