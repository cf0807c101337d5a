/** The parts of table 1. */
import { reference } from '@neuralode/backend-reference';
import { parameterCount } from '@neuralode/odenet';
import { random, setBackend } from '@neuralode/tensor';
import { expect, test } from 'vitest';
import { mnistModel } from '../src/mnist/mnist-model.ts';
import { contestantsOf, trainingOptions, worthPairs } from '../src/paper/table-1/contestants.ts';
import { type Reached, reachedBy } from '../src/paper/table-1/reached.ts';
import { table1Page } from '../src/paper/table-1/table-1-page.ts';
import type { TableRow } from '../src/paper/table-1/table-1.ts';

const asked = { backend: 'simd', optimiser: 'sgd', epochs: 2 } as const;
const contestants = contestantsOf({ crop: 4 });

test('the networks have the published example’s parameters, and the paper’s as far as it gives them', async () => {
  await setBackend(reference());
  const counts = contestants.map((contestant) => {
    const network = mnistModel(trainingOptions(contestant, asked, 'd', 0), () => {});
    return parameterCount(network.init(random(0)));
  });
  expect(counts).toEqual([238_510, 576_778, 208_266, 208_266]);
  counts.forEach((count, i) => {
    expect(Math.abs(count / 1e6 - contestants[i]!.paper!.parameters)).toBeLessThan(0.03);
  });
});

test('the perceptron has no channels: one training of it does for tables of any', () => {
  const [narrow] = contestantsOf({ channels: 12, crop: 4 });
  expect(narrow).toEqual(contestants[0]);
});

test('RK-Net and ODE-Net differ in how they are differentiated, and in nothing else', () => {
  const [, , rknet, odenet] = contestants.map((each) => trainingOptions(each, asked, 'd', 1));
  expect({ ...rknet, model: 'odenet', gradient: 'backsolve' }).toEqual(odenet);
});

test('the worth of the block is asked at few channels and at the table’s', () => {
  const pairs = worthPairs({ channels: 12, crop: 4 });
  expect(pairs.map(({ channels }) => channels)).toEqual([8, 12, 16]);
  expect(pairs[1]!.with.id).toBe(contestantsOf({ channels: 12, crop: 4 }).at(-1)!.id);
  for (const { without } of pairs) {
    expect(without.options).toMatchObject({ model: 'resnet', blocks: 0 });
  }
});

test('what is reached is read off the log: epochs, the last one’s means, its middle pace', () => {
  const line = (iteration: number, more = {}) => ({
    iteration,
    loss: 1,
    seconds: iteration,
    nfe: { forward: 10 * iteration, backward: iteration },
    perSecond: [100, 400, 50][iteration % 3]!,
    ...more,
  });
  expect(reachedBy([line(1), line(2)], 0, 100)).toBeUndefined();
  const metrics = [
    line(1),
    line(2),
    line(3, { testAccuracy: 0.5 }),
    line(4),
    line(5),
    line(6, { testAccuracy: 0.75 }),
    line(7),
  ];
  expect(reachedBy(metrics, 8, 100)).toEqual({
    seed: 8,
    errors: [0.5, 0.25],
    stepSeconds: 1,
    evaluations: { forward: 50, backward: 5 },
    seconds: 6,
  });
});

test('the page has errors with their standard errors, by epoch too, beside the paper’s', () => {
  const reached = (seed: number, errors: readonly number[]): Reached => ({
    seed,
    errors,
    stepSeconds: 0.25,
    evaluations: { forward: 38, backward: 26 },
    seconds: 1800,
  });
  const row = (index: number, ...all: Reached[]): TableRow => ({
    contestant: contestants[index]!,
    reached: all,
    parameters: 208_266,
    peakBytes: 143e6,
    processorSeconds: 0.2,
  });
  const none = { contestant: contestants[0]!, reached: [] };
  const odenet = row(3, reached(0, [0.03, 0.01]), reached(1, [0.05, 0.02]));
  const resnet = row(1, reached(0, [0.03, 0.02]), reached(1, [0.04, 0.04]));
  const rknet = row(2, reached(0, [0.06]));
  const page = table1Page({
    options: { ...asked, seed: 0, seeds: [0, 1], crop: 4, worth: true },
    testDigits: 10_000,
    rows: [none, resnet, rknet, odenet],
    worth: [{ channels: 64, without: resnet, with: odenet }],
  });
  const [main, byEpoch, worth] = page.tables;
  // of two values the standard error of the mean is half their distance
  expect(main!.rows[3]).toEqual([
    'ODE-Net',
    '1.50 ± 0.50 %',
    '0.42 %',
    '2',
    '208,266',
    '0.22 M',
    '143 MB, O(1)',
    '200 ms',
    '250 ms',
    '38.0 + 26.0',
  ]);
  expect(main!.rows[2]!.slice(1, 4)).toEqual(['6.00 %', '0.47 %', '1']);
  expect(main!.rows[0]!.slice(1, 3)).toEqual(['–', '1.60 %']);
  expect(byEpoch!.rows).toEqual([
    ['1', '–', '3.50 ± 0.50 %', '6.00 %', '4.00 ± 1.00 %'],
    ['2', '–', '3.00 ± 1.00 %', '–', '1.50 ± 0.50 %'],
    ['paper', '1.60 %', '0.41 %', '0.47 %', '0.42 %'],
  ]);
  // errors of a difference add as squares: √(1² + 0.5²)
  expect(worth!.rows[0]!.at(-1)).toBe('1.50 ± 1.12 %');
  expect(page.paragraphs[1]).toContain('ResNet 1.50 ± 1.12 %');
  expect(page.command).toContain(
    '--seeds 0,1 --epochs 2 --channels 64 --optimiser sgd --learning-rate 0.1 --crop 4',
  );
});
