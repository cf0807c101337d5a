/** Runs of `mnist` on a few made-up digits: what they write, that they stop and go on, and what they refuse. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Place } from './cli.ts';
import { writeDigits } from './digits.ts';

let place: Place;
beforeEach(() => {
  place = new Place();
});
afterEach(() => place.remove());

const small = ['mnist', '--data', '.', '--channels', '4', '--batch', '10'];

test('each network runs, and writes its files and a report with every part', async () => {
  writeDigits(place, 40, 250);
  const parts = ['Learning curve', 'Mistaken digits', 'Do it again'];
  for (const model of ['mlp', 'resnet', 'rknet', 'odenet']) {
    const run = await place.run(...small, '--epochs', '2', '--model', model, '--out', model);
    expect(run.code, run.stderr).toBe(0);
    expect(run.stdout).toMatch(/^test accuracy \d+\.\d\d % \(\d+ of 250 mistaken; 8 iterations/);
    expect(place.iterations(model)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    const { test: tested, nfe } = place.json(model, 'summary.json') as {
      test: { byEpoch: number[]; accuracy: number };
      nfe: { forward: number };
    };
    expect(tested.byEpoch).toHaveLength(2);
    expect(tested.byEpoch[1]).toBe(tested.accuracy);
    const isContinuous = model === 'odenet' || model === 'rknet';
    expect(nfe.forward > 0).toBe(isContinuous);
    // scoring the test digits after an epoch is no part of a training step
    const evaluations = place.metrics(model).map((line) => line.nfe.forward);
    expect(Math.max(...evaluations)).toBeLessThan(2 * Math.max(1, evaluations[0]!));
    const report = place.read(model, 'report.html');
    for (const part of isContinuous ? [...parts, 'accuracy against tolerance', 'Depth'] : parts) {
      expect(report).toContain(part);
    }
    expect(report).not.toMatch(/(src|href)="https?:/);
  }
});

test('Ctrl-C stops cleanly; --resume reaches what the whole run reaches', async () => {
  writeDigits(place, 100, 20);
  const options = [...small, '--epochs', '30', '--seed', '3', '--model', 'mlp'];
  await place.run(...options, '--out', 'whole');
  const { code } = await place.runUntil(3, 'SIGINT', ...options, '--out', 'stopped');
  expect(code).toBe(130);
  const rest = await place.run('--resume', '--out', 'stopped');
  expect(rest.code, rest.stderr).toBe(0);
  const figures = (run: string) => {
    const { test: tested, loss } = place.json(run, 'summary.json');
    return { tested, loss };
  };
  expect(figures('stopped')).toEqual(figures('whole'));
});

test('without data it says what it needs; a checkpoint of another network and a failed solve are told', async () => {
  const none = await place.run('mnist');
  expect(none.code).toBe(2);
  for (const name of [
    'train-images-idx3',
    'train-labels-idx1',
    't10k-images-idx3',
    't10k-labels-idx1',
    'idx format',
  ]) {
    expect(none.stderr).toContain(name);
  }
  writeDigits(place, 20, 10);
  await place.run(...small, '--epochs', '1', '--model', 'mlp', '--out', 'mlp');
  await place.run(...small, '--epochs', '1', '--model', 'resnet', '--out', 'other');
  place.write(
    'other/checkpoint.safetensors',
    Buffer.from(place.bytes('mlp', 'checkpoint.safetensors')),
  );
  const mixed = await place.run('--resume', '--out', 'other', '--epochs', '2');
  expect([mixed.code, mixed.stderr.trim().split('\n').length]).toEqual([2, 1]);
  expect(mixed.stderr).toContain('cannot go on from this checkpoint');

  const failed = await place.run(...small, '--epochs', '1', '--rtol', '1e-15', '--atol', '1e-15');
  expect(failed.code).toBe(1);
  expect(failed.stderr).toMatch(
    /training stopped in iteration 1: odeint: rtol is finer than float32/,
  );
});

test('a run that fails after its first epoch names its iteration, keeps the checkpoint, and goes on with other options', async () => {
  writeDigits(place, 100, 20);
  const cases = [
    {
      model: 'odenet',
      failing: ['--rtol', '1e-15', '--atol', '1e-15'],
      mended: ['--rtol', '0.1', '--atol', '0.1'],
      words: 'odeint: rtol is finer than float32',
    },
    {
      model: 'mlp',
      failing: ['--learning-rate', '1e25'],
      mended: ['--learning-rate', '0.03'],
      words: /train: the loss of iteration \d+ is (NaN|Infinity)/,
    },
  ];
  for (const { model, failing, mended, words } of cases) {
    // ten iterations make an epoch: the first one is done, and no more
    await place.run(...small, '--model', model, '--epochs', '1', '--out', model);
    const resume = ['--resume', '--out', model, '--epochs', '2'];
    const before = place.bytes(model, 'checkpoint.safetensors');
    const failed = await place.run(...resume, ...failing);
    expect(failed.code).toBe(1);
    const sentence = failed.stderr.trim().split('\n').at(-1);
    expect(sentence).toMatch(/training stopped in iteration 1[1-9]: /);
    expect(sentence).toMatch(words);
    expect(sentence).toContain(`--resume --out ${model}`);
    expect(place.bytes(model, 'checkpoint.safetensors')).toEqual(before);
    const rest = await place.run(...resume, ...mended);
    expect(rest.code, rest.stderr).toBe(0);
    expect(place.iterations(model)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
  }
});
