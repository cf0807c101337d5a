/** The densities of two circles and two moons, against the points that are drawn. */
import { reference } from '@neuralode/backend-reference';
import { planeGrid, toyData } from '@neuralode/cnf';
import { random, setBackend } from '@neuralode/tensor';
import { beforeAll, expect, test } from 'vitest';
import { curveLogDensity } from '../src/paper/curve-density.ts';

beforeAll(async () => {
  await setBackend(reference());
});

test.each([
  ['two-circles', 'circles'],
  ['two-moons', 'moons'],
] as const)('%s: cells hold as many points as the density says', (name, drawn) => {
  const logDensity = curveLogDensity(name);
  const [half, cells, inner, count] = [4.5, 12, 8, 6000];
  const cellOf = ([x, y]: readonly number[]): number => {
    const [i, j] = [x, y].map((value) => Math.floor(((value! + half) / (2 * half)) * cells));
    return j! * cells + i!;
  };
  const grid = planeGrid(half, cells * inner);
  const expected = new Map<number, number>();
  for (const [x, y] of grid.points.arraySync() as [number, number][]) {
    const mass = grid.area * Math.exp(logDensity({ x, y }));
    expected.set(cellOf([x, y]), (expected.get(cellOf([x, y])) ?? 0) + mass);
  }
  expect([...expected.values()].reduce((sum, mass) => sum + mass, 0)).toBeCloseTo(1, 4);
  const found = new Map<number, number>();
  for (const point of toyData(drawn, count, random(5)).arraySync() as number[][]) {
    found.set(cellOf(point), (found.get(cellOf(point)) ?? 0) + 1);
  }
  const kept = [...expected].filter(([, mass]) => count * mass >= 5);
  const statistic = kept.reduce(
    (sum, [cell, mass]) => sum + ((found.get(cell) ?? 0) - count * mass) ** 2 / (count * mass),
    0,
  );
  // The mean of χ² is its degrees of freedom k, its deviation √(2k): four of them are passed about once in 10,000.
  expect(kept.length).toBeGreaterThan(30);
  expect(statistic).toBeLessThan(kept.length + 4 * Math.sqrt(2 * kept.length));
});
