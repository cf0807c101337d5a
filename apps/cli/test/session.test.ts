import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { TrainingError } from '@neuralode/nn';
import { ArgumentError } from '@neuralode/tensor';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RunError } from '../src/failure.ts';
import { newRecord } from '../src/run/run-record.ts';
import { requireRoom, trainInterruptibly } from '../src/run/session.ts';
import type { Training } from '../src/run/training.ts';

let path: string;
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'neuralode-session-'));
});
afterEach(() => rmSync(path, { recursive: true }));

const state = { params: {}, optimiser: {}, iteration: 6, random: [] };

/** A training that fails at once. */
function failing(error: Error): Training {
  const checkpoint = async () => new Uint8Array();
  return { iterations: 9, done: 6, checkpoint, run: () => Promise.reject(error) };
}

function failureOf(error: Error): Promise<unknown> {
  const stream = new PassThrough() as unknown as NodeJS.WriteStream;
  const folder = { path, record: newRecord('fit', {}) };
  const session = trainInterruptibly(
    failing(error),
    folder,
    { stdout: stream, stderr: stream },
    'fit',
  );
  return session.then(
    () => undefined,
    (reason: unknown) => reason,
  );
}

test('a training that fails is told in the words of the command line', async () => {
  const cause = new ArgumentError({ what: 'odeint: step size fell to 1e-13 at t = 0.42' });
  const checkpoint = join(path, 'checkpoint.safetensors');
  writeFileSync(checkpoint, '');
  const failure = await failureOf(new TrainingError({ what: 'train: failed' }, state, { cause }));
  expect(failure).toBeInstanceOf(RunError);
  expect((failure as Error).message).toBe(
    'training stopped in iteration 7: odeint: step size fell to 1e-13 at t = 0.42. ' +
      `The last checkpoint is kept in ${checkpoint}. Go on from it with other tolerances (or, of mnist, a lower ` +
      `--learning-rate): neuralode --resume --out ${path} --rtol …`,
  );
});

test('a bug inside a training stays a bug', async () => {
  const cause = new TypeError('x is undefined');
  expect(await failureOf(new TrainingError({ what: 'train: failed' }, state, { cause }))).toBe(
    cause,
  );
});

test('signals are given back after a training', async () => {
  const before = process.listenerCount('SIGINT');
  await failureOf(new Error('stop'));
  expect(process.listenerCount('SIGINT')).toBe(before);
});

test('a run cannot end before where it stands', () => {
  expect(() => requireRoom({ ...failing(new Error()), iterations: 5 })).toThrow(
    '--epochs 5: the run has done 6 iterations already.',
  );
});
