/** Runs that are stopped, killed and continued. */
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Place } from './cli.ts';

const epochs = 150;
const options = ['--epochs', String(epochs)];
const all = Array.from({ length: epochs }, (_, i) => i + 1);

let place: Place;
beforeEach(() => {
  place = new Place();
});
afterEach(() => place.remove());

/** The figures that a run must reach, interrupted or not. */
const figures = (run: string) => {
  const { train, test, iterations } = place.json(run, 'summary.json');
  return { train, test, iterations };
};

test('Ctrl-C stops cleanly; --resume goes on as if nothing had been', async () => {
  await place.run(...options, '--out', 'whole');
  const stopped = await place.runUntil(20, 'SIGINT', ...options, '--out', 'stopped');
  const { code, stdout, stderr } = stopped;
  expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
  expect(stderr).toMatch(
    /stopped after iteration \d+ of 150, checkpoint written; go on with: neuralode --resume --out stopped\n$/,
  );
  const done = Number(/stopped after iteration (\d+)/.exec(stderr)![1]);
  expect(place.iterations('stopped')).toEqual(all.slice(0, done));
  expect(place.has('stopped', 'summary.json')).toBe(false);
  const rest = await place.run('--resume', '--out', 'stopped');
  expect(rest.code, rest.stderr).toBe(0);
  expect(rest.stderr).toContain(`going on after iteration ${done}`);
  expect(place.iterations('stopped')).toEqual(all);
  expect(figures('stopped')).toEqual(figures('whole'));
});

test('SIGTERM stops as cleanly', async () => {
  const { code } = await place.runUntil(5, 'SIGTERM', ...options, '--out', 'run');
  expect(code).toBe(130);
  expect(place.has('run', 'checkpoint.safetensors')).toBe(true);
});

test('a killed run leaves its last checkpoint whole, and goes on from it', async () => {
  await place.run('--epochs', '600', '--out', 'whole');
  await place.runUntil(300, 'SIGKILL', '--epochs', '600');
  const run = `runs/${readdirSync(place.path('runs'))[0]}`;
  expect(place.has(run, 'checkpoint.safetensors')).toBe(true);
  const rest = await place.run('--resume', '--json');
  expect(rest.code, rest.stderr).toBe(0);
  expect(rest.stderr).toMatch(/going on after iteration \d+/);
  expect(place.iterations(run)).toEqual(Array.from({ length: 600 }, (_, i) => i + 1));
  expect(figures(run)).toEqual(figures('whole'));
});

test('a run killed before its first checkpoint begins anew', async () => {
  await place.runUntil(1, 'SIGKILL', ...options, '--out', 'run');
  expect(place.has('run', 'checkpoint.safetensors')).toBe(false);
  const rest = await place.run('--resume', '--out', 'run');
  expect(rest.code, rest.stderr).toBe(0);
  expect(place.iterations('run')).toEqual(all);
});

test('more epochs for a finished run; without them its report is made again', async () => {
  await place.run('--epochs', '10', '--out', 'run');
  const same = await place.run('--resume', '--out', 'run');
  expect(same.code, same.stderr).toBe(0);
  expect(place.iterations('run').length).toBe(10);
  const more = await place.run('fit', '--resume', '--out', 'run', '--epochs', '15');
  expect(more.code, more.stderr).toBe(0);
  expect(place.iterations('run').length).toBe(15);
  expect(place.json('run', 'summary.json').iterations).toBe(15);
});

test('what cannot be continued is refused, and nothing of it changed', async () => {
  place.write('data.csv', 't,a\n0,1\n1,2\n2,1\n3,2\n4,1\n5,3\n6,2\n');
  await place.run('fit', 'data.csv', '--epochs', '5', '--out', 'run');
  const before = place.read('run', 'summary.json');
  const checkpoint = place.path('run', 'checkpoint.safetensors');
  const refused = async (sentence: string | RegExp, ...args: string[]) => {
    const { code, stderr } = await place.run(...args);
    expect(stderr).toMatch(sentence);
    expect(stderr.trim().split('\n').length).toBe(1);
    expect(code).toBe(2);
    expect(place.read('run', 'summary.json')).toBe(before);
  };
  const resume = ['--resume', '--out', 'run'];

  await refused('run: this folder holds a run of "fit"', 'fit', 'data.csv', '--out', 'run');
  await refused('--seed 4 differs from the run in run', ...resume, '--seed', '4');
  await refused('--epochs 3: the run has done 5 iterations already', ...resume, '--epochs', '3');

  place.write('other.csv', 't,a\n0,1\n1,2\n2,1\n3,2\n4,1\n5,3\n6,9\n');
  await refused('other.csv: the table is not the one of the run', 'fit', 'other.csv', ...resume);
  await place.run('fit', 'data.csv', '--hidden', '7', '--epochs', '5', '--out', 'small');
  copyFileSync(place.path('small', 'checkpoint.safetensors'), checkpoint);
  await refused(/run.checkpoint\.safetensors: the run cannot go on .* another model/, ...resume);
  writeFileSync(checkpoint, readFileSync(checkpoint).subarray(0, 100));
  await refused(
    /run.checkpoint\.safetensors: the run cannot go on from this checkpoint/,
    ...resume,
  );
  place.write('data.csv', 't,a\n0,1\n1,2\n2,1\n3,2\n4,1\n5,3\n6,9\n');
  await refused('data.csv: the table has changed since the run began', ...resume);
});
