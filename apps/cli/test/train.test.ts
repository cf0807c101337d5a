import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Progress } from '../src/progress/progress.ts';
import { train } from '../src/run/train.ts';
import type { Iteration, Training } from '../src/run/training.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'neuralode-train-'));
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true });
});

const silent: Progress = { start() {}, update() {}, say() {}, stop() {} };

/** A training that counts. */
class Counting implements Training {
  readonly iterations = 10;
  done: number;
  readonly #failAt: number;

  constructor(done = 0, failAt = Number.POSITIVE_INFINITY) {
    this.done = done;
    this.#failAt = failAt;
  }

  async run(signal: AbortSignal, onIteration: (iteration: Iteration) => Promise<void>) {
    while (this.done < this.iterations && !signal.aborted) {
      if (this.done + 1 === this.#failAt) throw new Error('failed');
      this.done++;
      await onIteration({ iteration: this.done, loss: 1, nfe: { forward: 1, backward: 1 } });
    }
  }

  async checkpoint() {
    return Uint8Array.of(this.done);
  }
}

const checkpoint = () => readFileSync(join(folder, 'checkpoint.safetensors'))[0];
const lines = () => readFileSync(join(folder, 'metrics.jsonl'), 'utf8').trim().split('\n').length;

test('runs to the end and saves what it reached', async () => {
  const { signal } = new AbortController();
  const trained = await train(new Counting(), { folder, progress: silent, signal });
  expect(trained.stopped).toBe(false);
  expect(trained.metrics.length).toBe(10);
  expect(checkpoint()).toBe(10);
});

test('stops after the iteration at hand, checkpoint written, and goes on from there', async () => {
  const controller = new AbortController();
  const progress = { ...silent, update: () => lines() === 4 && controller.abort() };
  const options = { folder, progress, signal: controller.signal };
  const trained = await train(new Counting(), options as never);
  expect(trained.stopped).toBe(true);
  expect(checkpoint()).toBe(4);
  const { signal } = new AbortController();
  const rest = await train(new Counting(checkpoint()), { folder, progress: silent, signal });
  expect(rest.metrics.map(({ iteration }) => iteration)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
});

test.each([
  // taken after the first iteration, written after the second; the next one was not due yet
  [400, 1],
  // the next one was taken after the third iteration, written after the fourth
  [1000, 3],
])(
  'a failure leaves the last checkpoint from which an iteration went well: of %d ms each, that of iteration %d',
  async (milliseconds, last) => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const progress = { ...silent, update: () => vi.advanceTimersByTime(milliseconds) };
    const { signal } = new AbortController();
    const failing = train(new Counting(0, 5), { folder, progress, signal } as never);
    await expect(failing).rejects.toThrow('failed');
    expect(checkpoint()).toBe(last);
    expect(lines()).toBe(4);
  },
);

test('a checkpoint from which the next iteration fails is not written', async () => {
  const { signal } = new AbortController();
  const failing = train(new Counting(0, 2), { folder, progress: silent, signal });
  await expect(failing).rejects.toThrow('failed');
  expect(existsSync(join(folder, 'checkpoint.safetensors'))).toBe(false);
});
