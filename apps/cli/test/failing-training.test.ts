/** A training whose solve fails on the way: what is said, what is kept, and that it can be gone on with. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { direct } from '@neuralode/adjoint';
import { reference } from '@neuralode/backend-reference';
import {
  decodeTrainingState,
  encodeTrainingState,
  sgd,
  type SgdState,
  type TrainingState,
  train,
} from '@neuralode/nn';
import { odeint } from '@neuralode/solvers';
import { setBackend, type Tensor, tensor } from '@neuralode/tensor';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RunError } from '../src/failure.ts';
import { newRecord } from '../src/run/run-record.ts';
import { trainInterruptibly } from '../src/run/session.ts';
import type { Iteration, Training } from '../src/run/training.ts';

let path: string;
beforeEach(async () => {
  await setBackend(reference());
  path = mkdtempSync(join(tmpdir(), 'neuralode-failing-'));
});
afterEach(() => rmSync(path, { recursive: true }));

type State = TrainingState<Tensor, SgdState>;

/** Makes y(1) of dy/dt = p y², y(0) = 1 larger and larger: it is 1/(1 − p), and there is none from p = 1 on. */
class Ascent implements Training {
  readonly iterations = 40;
  readonly #optimiser;
  #state: State | undefined;

  constructor(learningRate: number, checkpoint?: Uint8Array) {
    this.#optimiser = sgd({ learningRate });
    if (checkpoint === undefined) return;
    const like = { params: tensor(0), optimiser: this.#optimiser };
    this.#state = decodeTrainingState(checkpoint, like);
  }

  get done(): number {
    return this.#state?.iteration ?? 0;
  }

  async run(signal: AbortSignal, onIteration: (iteration: Iteration) => Promise<void>) {
    const from = this.#state;
    this.#state = await train({
      ...(from === undefined ? { params: tensor(0) } : { from }),
      optimiser: this.#optimiser,
      batch: {},
      loss: (p: Tensor) =>
        odeint((_t, y: Tensor, rate: Tensor) => y.square().mul(rate), tensor(1), [0, 1], {
          args: p,
          rtol: 1e-4,
          atol: 1e-4,
          gradient: direct(),
        })
          .ys.at(-1)
          .neg(),
      iterations: this.iterations,
      signal,
      onIteration: async ({ iteration, loss, state }) => {
        this.#state = state;
        await onIteration({ iteration, loss, nfe: { forward: 1, backward: 1 } });
      },
    });
  }

  checkpoint(): Promise<Uint8Array> {
    return encodeTrainingState(this.#state!, {});
  }
}

const file = () => join(path, 'checkpoint.safetensors');

function trained(training: Training) {
  const stream = new PassThrough() as unknown as NodeJS.WriteStream;
  const folder = { path, record: newRecord('mnist', {}) };
  return trainInterruptibly(training, folder, { stdout: stream, stderr: stream }, 'mnist');
}

test('a solve that has no end stops the run at its iteration; its checkpoint goes on with smaller steps', async () => {
  const failure = await trained(new Ascent(0.1)).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(RunError);
  const words = (failure as Error).message;
  const [, iteration] = /training stopped in iteration (\d+): odeint: /.exec(words)!;
  expect(words).toContain(`The last checkpoint is kept in ${file()}`);
  // by hand: p grows by 0.1 dy(1)/dp = 0.1/(1 − p)² and passes 1 in its fifth update
  let p = 0;
  let updates = 0;
  for (; p < 1; updates++) p += 0.1 / (1 - p) ** 2;
  expect(Number(iteration)).toBe(updates + 1);

  const kept = new Ascent(1e-4, readFileSync(file()));
  expect(kept.done).toBeGreaterThan(0);
  expect(kept.done).toBeLessThan(updates);
  const rest = await trained(kept);
  expect(rest.stopped).toBe(false);
  expect(rest.metrics.map((line) => line.iteration)).toEqual(
    Array.from({ length: 40 }, (_, i) => i + 1),
  );
});
