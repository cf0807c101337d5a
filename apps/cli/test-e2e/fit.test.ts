/** Runs of `fit`: what they write, and that every option counts. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Place } from './cli.ts';

let place: Place;
beforeAll(() => {
  place = new Place();
  const rows = Array.from({ length: 24 }, (_, i) => {
    const t = i + 0.2 * Math.sin(i * i);
    const cell = (value: number, hole: number) => (i % hole === 2 ? '' : value.toFixed(3));
    return `${t.toFixed(3)};${cell(Math.sin(t / 2), 7)};${cell(Math.cos(t / 2), 5)}`;
  });
  place.write('uneven.csv', `# made\ntime;x;y\n${rows.join('\n')}\n`);
});
afterAll(() => place.remove());

test('the shipped table: five files, figures on one line, and the report’s path', async () => {
  const { code, stdout, stderr } = await place.run('--epochs', '40');
  expect(code, stderr).toBe(0);
  const [line, where] = stdout.trim().split('\n');
  expect(line).toMatch(
    /^training RMSE [\d.]+ · forecast RMSE [\d.]+ · "last value stays" RMSE 33\.4 \(40 iterations in .*\)$/,
  );
  const folder = /^report: (runs\/fit-hudson-bay-lynx-hare-\d{8}-\d{6})\/report\.html/.exec(
    where!,
  )![1]!;
  for (const file of ['run.json', 'summary.json', 'metrics.jsonl', 'checkpoint.safetensors']) {
    expect(place.has(folder, file), file).toBe(true);
  }
  expect(place.iterations(folder)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
  expect(place.read(folder, 'report.html')).toContain('<svg');
  expect(stderr).toMatch(/fit 40\/40 .* loss .* evaluations a step/);
  const gain = /in ([\d.]+) ms; kernel by kernel \(--backend wasm\) it takes ([\d.]+) ms/.exec(
    stderr,
  );
  for (const milliseconds of gain!.slice(1)) expect(Number(milliseconds)).toBeGreaterThan(0);
  expect(place.json(folder, 'summary.json')).toMatchObject({
    command: 'fit',
    backend: 'simd',
    solver: 'dopri5',
    seconds: expect.any(Number),
    iterations: 40,
    train: { rmse: expect.any(Number) },
    test: { rmse: expect.any(Number) },
    baseline: { rmse: expect.closeTo(33.377, 2) },
    nfe: { forward: expect.any(Number), backward: expect.any(Number) },
  });
});

test('the shipped table, trained to the end, beats “last value stays”', async () => {
  const { code, stdout, stderr } = await place.run('--json', '--out', 'shipped');
  expect(code, stderr).toBe(0);
  expect(stderr).not.toContain('kernel by kernel');
  const { train, test, baseline } = JSON.parse(stdout);
  expect(train.rmse).toBeLessThan(4);
  expect(test.rmse).toBeLessThan(0.5 * baseline.rmse);
});

test('an uneven table with holes: one line of JSON and nothing else', async () => {
  const args = ['fit', 'uneven.csv', '--epochs', '30', '--json', '--holdout', '0.25'];
  const { code, stdout, stderr } = await place.run(...args);
  expect(code, stderr).toBe(0);
  expect(stdout.split('\n').length).toBe(2);
  const summary = JSON.parse(stdout);
  expect(summary).toMatchObject({ command: 'fit', columns: ['x', 'y'], iterations: 30 });
  expect(place.has(summary.report)).toBe(true);
});

describe('every option changes the result', () => {
  const base = ['fit', 'uneven.csv', '--epochs', '12', '--json'];
  const resultOf = async (...args: string[]) => {
    const { code, stdout, stderr } = await place.run(...base, ...args);
    expect(code, stderr).toBe(0);
    const { train, test, nfe, iterations } = JSON.parse(stdout);
    return JSON.stringify({ train, test, nfe, iterations });
  };
  let plain: string;
  beforeAll(async () => {
    plain = await resultOf();
  });

  test('and the same options give the same result', async () => {
    expect(await resultOf()).toBe(plain);
  });

  test('and so does the same gradient in less memory, kernel by kernel', async () => {
    const kernels = ['--backend', 'wasm'];
    expect(await resultOf(...kernels, '--gradient', 'checkpointed')).toBe(
      await resultOf(...kernels),
    );
  });

  test('and nearly the same result on another backend', async () => {
    const { train } = JSON.parse(await resultOf('--backend', 'wasm'));
    expect(train.rmse).toBeCloseTo(JSON.parse(plain).train.rmse, 3);
  });

  test.each([
    ['--seed', '1'],
    ['--backend', 'reference'],
    ['--solver', 'rk4'],
    ['--solver', 'midpoint'],
    ['--solver', 'euler'],
    ['--gradient', 'backsolve'],
    ['--rtol', '1e-2'],
    ['--atol', '1e-2'],
    ['--epochs', '13'],
    ['--hidden', '8'],
    ['--augment', '1'],
    ['--columns', 'x'],
    ['--holdout', '0.4'],
    ['--train-until', '15'],
  ])('%s %s', async (...option) => {
    expect(await resultOf(...option)).not.toBe(plain);
  });
});
