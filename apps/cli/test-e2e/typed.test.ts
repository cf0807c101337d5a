/** What is typed, and what is answered: help, mistakes, bad tables. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Place } from './cli.ts';

let place: Place;
beforeAll(() => {
  place = new Place();
  place.write('good.csv', 't,a,b\n0,1,2\n1,2,1\n2,1,2\n3,2,1\n4,1,2\n5,2,1\n6,1,2\n');
  place.write('text.csv', 't,a\n0,1\n1,two\n');
  place.write('rows.csv', 't,a\n');
  place.write('times.csv', 't,a\n0,1\n0,2\n');
  place.write('empty.csv', 't,a,b\n0,1,\n1,2,\n');
  place.write('binary.csv', Uint8Array.of(1, 0, 2, 0));
  place.write('few.csv', 't,a\n0,1\n1,2\n');
});
afterAll(() => place.remove());

test.each([
  [['--help'], 'Usage: neuralode [command] [options]'],
  [['help', 'fit'], 'Usage: neuralode fit [options] [file]'],
  [['fit', '--help'], '--train-until <time>'],
  [['--version'], /^\d+\.\d+\.\d+/],
])('%j is answered on stdout', async (args, text) => {
  const { code, stdout, stderr } = await place.run(...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(text);
});

describe('a mistake is one sentence on stderr, exit code 2, and nothing written', () => {
  test.each<[string[], string]>([
    [['fit', '--epoch', '3'], "unknown option '--epoch' (Did you mean --epochs?) See --help."],
    [['fti'], "unknown command 'fti' (Did you mean fit?) See --help."],
    [['good.csv'], 'there is no command "good.csv"; to fit a table: neuralode fit good.csv'],
    [['fit', 'missing.csv'], 'missing.csv: there is no such file.'],
    [['fit', '.'], '.: this is a folder, not a table; name a file in it.'],
    [['fit', 'binary.csv'], 'binary.csv: this is not a text file; save the table as CSV.'],
    [['fit', 'rows.csv'], 'rows.csv: the table has no rows.'],
    [
      ['fit', 'text.csv'],
      'text.csv, line 3, column "a": "two" is not a number; leave the cell empty where a value is missing.',
    ],
    [
      ['fit', 'times.csv'],
      'times.csv, line 3, column "t": time 0 repeats that of line 2; each time may stand in one row only.',
    ],
    [
      ['fit', 'empty.csv'],
      'empty.csv, column "b": every cell is empty; leave the column out with --columns.',
    ],
    [
      ['fit', 'few.csv'],
      'few.csv, column "a": there are 2 values up to 1 to train on, and it takes 4.',
    ],
    [
      ['fit', 'good.csv', '--columns', 'A'],
      'good.csv: there is no column "A" (did you mean "a"?); the columns are a, b.',
    ],
    [
      ['fit', 'good.csv', '--solver', 'rk4', '--atol', '1e-3'],
      '--atol has no effect with --solver rk4, which takes fixed steps; leave it out, or take an adaptive one such as --solver dopri5.',
    ],
    [
      ['fit', 'good.csv', '--out', '.'],
      '.: this folder is not empty and holds no run; name another folder.',
    ],
    [['fit', 'good.csv', '--out', 'good.csv'], 'good.csv: this is a file, not a folder.'],
    [
      ['--resume'],
      'there is no run in runs/ to resume; name its folder with --out, or leave --resume out.',
    ],
    [['fit', '--resume', '--out', 'none'], 'none: there is no such folder to resume.'],
  ])('%j', async (args, sentence) => {
    const { code, stdout, stderr } = await place.run(...args);
    expect(stderr).toBe(`neuralode: ${sentence}\n`);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(place.has('runs')).toBe(false);
  });
});
