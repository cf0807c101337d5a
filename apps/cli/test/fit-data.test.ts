import { describe, expect, test } from 'vitest';
import { errorsOf } from '../src/fit/errors-of-fit.ts';
import { horizonAt } from '../src/fit/horizon.ts';
import { fitScale, fromModel, toModel } from '../src/fit/scaling.ts';
import { cutSegments, firstStarts } from '../src/fit/segments.ts';
import { prepareSeries } from '../src/fit/series.ts';
import { countTrainingRows } from '../src/fit/split.ts';
import { parseTable } from '../src/table/read-table.ts';

function tableOf(count: number, value: (i: number) => number | string, time = (i: number) => i) {
  const lines = Array.from({ length: count }, (_, i) => `${time(i)},${value(i)}`);
  return parseTable('t.csv', `t,a\n${lines.join('\n')}\n`);
}

describe('which rows are trained on', () => {
  const table = tableOf(10, (i) => i + 1);

  test('all but a fifth, a fraction, or up to a time', () => {
    expect(countTrainingRows(table, {})).toBe(8);
    expect(countTrainingRows(table, { holdout: 0.3 })).toBe(7);
    expect(countTrainingRows(table, { holdout: 0 })).toBe(10);
    expect(countTrainingRows(table, { trainUntil: '5' })).toBe(6);
    expect(countTrainingRows(table, { trainUntil: '99' })).toBe(10);
  });

  test('a time is read as the table writes it', () => {
    const dated = parseTable(
      'd.csv',
      `t,a\n${[1, 2, 3, 4, 5].map((d) => `2001-01-0${d},${d}`).join('\n')}`,
    );
    expect(countTrainingRows(dated, { trainUntil: '2001-01-04' })).toBe(4);
    expect(() => countTrainingRows(dated, { trainUntil: '4' })).toThrow(
      '--train-until: "4" is not a date such as 2001-01-05, as in d.csv.',
    );
  });

  test('too few values to train on are refused', () => {
    expect(() => countTrainingRows(table, { trainUntil: '2' })).toThrow(
      't.csv, column "a": there are 3 values up to 2 to train on, and it takes 4.',
    );
    expect(() => countTrainingRows(table, { trainUntil: '-1' })).toThrow(
      't.csv, column "a": there are 0 values before the forecast to train on, and it takes 4.',
    );
  });
});

describe('scales', () => {
  test('logarithms for positive values over a wide range only', () => {
    expect(fitScale([4, 60, 20]).log).toBe(true);
    expect(fitScale([315, 370]).log).toBe(false);
    expect(fitScale([0, 60, 20]).log).toBe(false);
  });

  test('there and back', () => {
    for (const column of [
      [4, 60, Number.NaN, 20],
      [-1, 1, 5],
      [7, 7, 7],
    ]) {
      const scale = fitScale(column);
      for (const value of column.filter((each) => !Number.isNaN(each))) {
        expect(fromModel(scale, toModel(scale, value))).toBeCloseTo(value, 10);
      }
    }
  });

  test('a constant column stays finite', () => {
    expect(toModel(fitScale([7, 7, 7]), 7)).toBe(0);
  });
});

describe('segments', () => {
  test('a short series is one segment with its own times', () => {
    const series = prepareSeries(
      tableOf(10, Math.sin, (i) => i * i),
      8,
    );
    const { count, grid, places } = cutSegments(series);
    expect(count).toBe(1);
    expect(grid.map((time) => time * series.unit)).toEqual([0, 1, 4, 9, 16, 25, 36, 49]);
    expect(places).toEqual(grid.map((_, i) => [i, 0]));
  });

  test('a long even series stands at the same places in every segment', () => {
    const series = prepareSeries(
      tableOf(300, Math.sin, (i) => 1958 + i / 12),
      300,
    );
    const { count, grid, mask, places } = cutSegments(series);
    expect(count).toBeGreaterThan(3);
    expect(grid.length * count).toBeLessThan(300 + 2 * count + grid.length);
    expect(mask.reduce((sum, one) => sum + one)).toBe(300);
    expect(new Set(places.map(String)).size).toBe(300);
  });

  test('every value of an uneven series with gaps is a target once', () => {
    const table = tableOf(
      200,
      (i) => (i % 3 === 0 ? '' : Math.cos(i)),
      (i) => i + 0.3 * Math.sin(7 * i),
    );
    const series = prepareSeries(table, 180);
    const segments = cutSegments(series);
    expect(segments.mask.reduce((sum, one) => sum + one)).toBe(120);
    expect(segments.grid[0]).toBe(0);
    expect(segments.grid.at(-1)).toBeCloseTo(segments.duration, 9);
    expect(firstStarts(series, segments).every(Number.isFinite)).toBe(true);
  });
});

test('the horizon grows from a few points to all of them', () => {
  const horizons = Array.from({ length: 100 }, (_, i) => horizonAt(i, 100, 40));
  expect(horizons[0]).toBe(8);
  expect(horizons[60]).toBe(40);
  expect(horizons.at(-1)).toBe(40);
  expect(horizons.every((size, i) => i === 0 || size >= horizons[i - 1]!)).toBe(true);
  expect(new Set(horizons).size).toBeLessThanOrEqual(13);
  expect(horizonAt(0, 100, 3)).toBe(3);
});

test('errors are in the units of the table, missing values left out', () => {
  const series = prepareSeries(
    tableOf(8, (i) => (i === 6 ? '' : i)),
    5,
  );
  const said = Array.from({ length: 8 }, (_, i) => [i + 1]);
  // the last value trained on is 4; ahead are 5 and 7
  expect(errorsOf(series, said, [0])).toEqual({ train: 1, test: 1, baseline: Math.sqrt(5) });
});
