/** A training whose parameters grow until numbers overflow: what is said of it, and that it can be gone on with. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { simd } from '@neuralode/backend-simd';
import { TrainingError } from '@neuralode/nn';
import { NonFiniteError } from '@neuralode/solvers';
import { setBackend, tensor } from '@neuralode/tensor';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { describeFailure } from '../src/failure.ts';
import { type Digits, side } from '../src/mnist/digits.ts';
import { MnistTraining } from '../src/mnist/mnist-training.ts';
import type { MnistOptions } from '../src/options.ts';
import { usualMnist } from '../src/paper/kept-run.ts';
import { type CommandName, newRecord } from '../src/run/run-record.ts';
import { trainInterruptibly } from '../src/run/session.ts';
import type { Training } from '../src/run/training.ts';

let path: string;
beforeEach(async () => {
  await setBackend(simd());
  path = mkdtempSync(join(tmpdir(), 'neuralode-overflow-'));
});
afterEach(() => rmSync(path, { recursive: true }));

const file = () => join(path, 'checkpoint.safetensors');

function digits(count: number): Digits {
  const pixels = Uint8Array.from({ length: count * side * side }, (_, i) => (i * 7919) % 256);
  return { count, pixels, labels: Uint8Array.from({ length: count }, (_, i) => i % 10) };
}

const usual: MnistOptions = {
  ...usualMnist,
  data: 'digits',
  backend: 'simd',
  threads: 1,
  channels: 2,
  batch: 10,
  epochs: 1,
  seed: 0,
};

/** A training of four iterations an epoch, or of as few as `count` allows. */
function training(changed: Partial<MnistOptions>, count = 40): MnistTraining {
  const checkpoint = existsSync(file()) ? readFileSync(file()) : undefined;
  const sets = { training: digits(count), test: digits(10) };
  return new MnistTraining({ ...usual, ...changed }, sets, checkpoint);
}

async function failureOf(run: Training, command: CommandName = 'mnist') {
  const stream = new PassThrough() as unknown as NodeJS.WriteStream;
  const folder = { path, record: newRecord(command, {}) };
  const session = trainInterruptibly(run, folder, { stdout: stream, stderr: stream }, command);
  return describeFailure(
    await session.then(
      () => undefined,
      (reason: unknown) => reason,
    ),
  );
}

test('says how large parameters are, and that no checkpoint was kept so early', async () => {
  const { text, exitCode } = await failureOf(training({ learningRate: 1e30 }));
  // Adam's first step moves each parameter by the learning rate
  expect(text).toBe(
    'neuralode: training stopped in iteration 2: odeint: the initial state is not finite at t = 0, ' +
      'with parameters of up to 1.0e+30. No checkpoint was kept so early: begin again with a smaller --learning-rate.\n',
  );
  expect(exitCode).toBe(1);
});

test('says which parameter is not finite itself', async () => {
  // more than float32 has
  const { text, exitCode } = await failureOf(training({ learningRate: 1e39 }));
  expect(text).toMatch(
    /in iteration 2: .* not finite at t = 0, since parameters are not \(-?(Infinity|NaN) in downsampling\.\S+\)\./,
  );
  expect(exitCode).toBe(1);
});

test('says so where the scores after an epoch are the first to see it', async () => {
  const { text, exitCode } = await failureOf(training({ learningRate: 1e30 }, 10));
  expect(text).toMatch(
    /stopped at the scores after iteration 1: odeint: the initial state is not finite at t = 0\. No checkpoint/,
  );
  expect(text).not.toContain('y0');
  expect(exitCode).toBe(1);
});

test('keeps the last good checkpoint, from which smaller steps go on', async () => {
  const stream = new PassThrough() as unknown as NodeJS.WriteStream;
  const terminal = { stdout: stream, stderr: stream };
  const folder = { path, record: newRecord('mnist', {}) };
  await trainInterruptibly(training({}), folder, terminal, 'mnist');
  const good = readFileSync(file());
  const { text } = await failureOf(training({ epochs: 2, learningRate: 1e30 }));
  expect(text).toMatch(
    /training stopped in iteration 6: .* with parameters of up to \d\.\de\+(29|30)\. /,
  );
  expect(text).toContain(
    `The last good checkpoint is kept in ${file()}. Go on from it with a smaller --learning-rate: ` +
      `neuralode --resume --out ${path} --learning-rate …\n`,
  );
  expect(readFileSync(file())).toEqual(good);
  const rest = await trainInterruptibly(training({ epochs: 2 }), folder, terminal, 'mnist');
  expect(rest.metrics.map(({ iteration }) => iteration)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});

test('names --learning-rate of no command that has none, and blames no parameter for its data', async () => {
  const state = { params: { w: tensor([2, -30]) }, optimiser: {}, iteration: 6, random: [] };
  const failing = (error: Error): Training => ({
    iterations: 9,
    done: 6,
    checkpoint: async () => new Uint8Array(),
    run: () => Promise.reject(error),
  });
  const cause = new NonFiniteError(0.5, 'forward', 'the field is not finite');
  const ofFit = await failureOf(
    failing(new TrainingError({ what: 'train: failed' }, state, { cause })),
    'fit',
  );
  expect(ofFit.text).toBe(
    'neuralode: training stopped in iteration 7: odeint: the field is not finite at t = 0.5, ' +
      'with parameters of up to 30. Try another --seed or other tolerances.\n',
  );
  const got = 'NaN in row 1 of y';
  const ofData = await failureOf(
    failing(new TrainingError({ what: 'train: failed', got }, state, { cause })),
  );
  expect(ofData.text).not.toMatch(/parameters|--learning-rate/);
});
