import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InputError } from '../src/failure.ts';
import { parseTable } from '../src/table/read-table.ts';
import { showTime } from '../src/table/table.ts';

const rows = (...lines: string[]) => `${lines.join('\n')}\n`;
const parse = (text: string, columns?: string[]) => parseTable('t.csv', text, columns);
const values = (text: string) => parse(text).values.map((row) => [...row]);

/** The sentence with which a table is refused. */
function refusal(text: string, columns?: string[]): string {
  try {
    parse(text, columns);
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
  throw new Error('the table was accepted');
}

describe('tables as people have them', () => {
  test('comments, spaces, a header', () => {
    const table = parse(rows('# source', 'Year, Lynx, Hare', '1900, 4.0, 30.0', '1901, 6.1, 47.2'));
    expect(table.timeName).toBe('Year');
    expect(table.columns).toEqual(['Lynx', 'Hare']);
    expect([...table.times]).toEqual([1900, 1901]);
    expect(table.values.map((row) => [...row])).toEqual([
      [4, 30],
      [6.1, 47.2],
    ]);
  });

  test('a byte order mark and quoted cells', () => {
    const table = parse(`\uFEFF"YEAR","SUN, SPOTS"\r\n"1700","5"\r\n1701,11\r\n`);
    expect(table.timeName).toBe('YEAR');
    expect(table.columns).toEqual(['SUN, SPOTS']);
    expect([...table.times]).toEqual([1700, 1701]);
  });

  test('semicolons with decimal commas, and it says so', () => {
    const table = parse(rows('t;a', '0;1,5', '0,5;2'));
    expect([...table.times]).toEqual([0, 0.5]);
    expect(table.values[0]![0]).toBe(1.5);
    expect(table.notes.join()).toContain('decimal commas');
  });

  test('tabs, with empty cells at the end of a line', () => {
    expect(values('t\ta\tb\n1\t2\t\n2\t\t3\n')).toEqual([
      [2, Number.NaN],
      [Number.NaN, 3],
    ]);
  });

  test('no header: columns are numbered', () => {
    const table = parse(rows('1,2,3', '2,3,4'));
    expect(table.timeName).toBe('time');
    expect(table.columns).toEqual(['column 2', 'column 3']);
    expect(table.times.length).toBe(2);
  });

  test.each(['', 'NA', 'NaN', 'null', '?', 'n/a', '-'])('"%s" is a missing value', (mark) => {
    expect(values(rows('t,a,b', `1,${mark},1`, '2,3,1'))[0]).toEqual([Number.NaN, 1]);
  });

  test('a delimiter at the end of every line', () => {
    expect(parse(rows('t,a,', '1,2,', '2,3,')).columns).toEqual(['a']);
  });

  test('chosen columns, in the order asked for; the text of others does not matter', () => {
    const table = parse(rows('t,a,name,b', '1,2,x,3', '2,4,y,5'), ['b', 'a']);
    expect(table.columns).toEqual(['b', 'a']);
    expect([...table.values[1]!]).toEqual([5, 4]);
  });

  test('numbers of any notation', () => {
    expect(values(rows('t,a', '1,-1e3', '2,.5', '3,+7.')).flat()).toEqual([-1000, 0.5, 7]);
  });

  test('what is written is what is read, whatever the delimiter', () => {
    const cell = fc.option(fc.double({ noNaN: true, noDefaultInfinity: true }), {
      nil: Number.NaN,
    });
    const table = fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(table, fc.constantFrom(',', ';', '\t'), (written, delimiter) => {
        fc.pre([0, 1].every((c) => written.some((row) => !Number.isNaN(row[c]!))));
        const lines = written.map((row, i) =>
          [i, ...row.map((value) => (Number.isNaN(value) ? '' : String(value))), 1].join(delimiter),
        );
        const read = values(rows(['t', 'a', 'b', 'one'].join(delimiter), ...lines));
        expect(read.map((row) => row.slice(0, 2).map((value) => value + 0))).toEqual(
          written.map((row) => row.map((value) => value + 0)),
        );
      }),
    );
  });
});

describe('dates', () => {
  const days = (text: string) => Date.parse(text) / 86_400_000;

  test.each([
    ['2001-03-30', '2001-03-30T00:00Z'],
    ['2001/3/30', '2001-03-30T00:00Z'],
    ['2001-03', '2001-03-01T00:00Z'],
    ['2001-03-30 14:05', '2001-03-30T14:05Z'],
    ['2001-03-30T14:05:30.5Z', '2001-03-30T14:05:30.500Z'],
    ['2001-03-30T14:05+02:00', '2001-03-30T12:05Z'],
  ])('%s', (cell, iso) => {
    const table = parse(rows('date,a', `${cell},1`, '2002-01-01,2'));
    expect(table.timeKind).toBe('date');
    expect(table.times[0]).toBeCloseTo(days(iso), 9);
  });

  test('eight digits are dates where all of them are, and it says so', () => {
    const table = parse(rows('date,co2', '19580329,316.1', '19580405,', '19580412,317.6'));
    expect(table.timeKind).toBe('date');
    expect([...table.times].map((time) => time - table.times[0]!)).toEqual([0, 7, 14]);
    expect(table.notes.join()).toContain('19580329 is 1958-03-29');
  });

  test('eight digits are numbers where one of them is no date', () => {
    expect(parse(rows('t,a', '19580329,1', '19589999,2')).timeKind).toBe('number');
  });

  test('a time is shown as it would be written', () => {
    expect(showTime('date', days('2001-03-30T00:00Z'))).toBe('2001-03-30');
    expect(showTime('date', days('2001-03-30T14:05Z'))).toBe('2001-03-30 14:05');
    expect(showTime('number', 1900)).toBe('1900');
  });
});

describe('bad tables: one sentence with file, line and column', () => {
  test.each<[string, string, string]>([
    ['nothing', '', 't.csv: the table has no rows.'],
    ['only comments', '# a\n# b\n', 't.csv: the table has no rows.'],
    ['a header only', 'Year,Lynx\n', 't.csv: the table has no rows.'],
    [
      'one column',
      rows('a', '1', '2'),
      't.csv, line 1: the table needs two columns or more, the first one time; cells are separated by commas, semicolons or tabs.',
    ],
    [
      'a text cell',
      rows('# c', 't,a', '1,2', '2,two'),
      't.csv, line 4, column "a": "two" is not a number; leave the cell empty where a value is missing.',
    ],
    [
      'an infinite value',
      rows('t,a', '1,inf', '2,3'),
      't.csv, line 2, column "a": "inf" is not a number; leave the cell empty where a value is missing.',
    ],
    [
      'a text time',
      rows('t,a', '1,2', 'x,3'),
      't.csv, line 3, column "t": "x" is not a time; it must be a number or a date such as 2001-03-30.',
    ],
    [
      'an empty time',
      rows('t,a', '1,2', ',3'),
      't.csv, line 3, column "t": the time is empty; it must be a number or a date such as 2001-03-30.',
    ],
    [
      'a day that does not exist',
      rows('d,a', '2001-02-01,2', '2001-02-30,3'),
      't.csv, line 3, column "d": "2001-02-30" is not a time; it must be a date such as 2001-03-30.',
    ],
    [
      'a repeated time',
      rows('t,a', '1,2', '', '1,3'),
      't.csv, line 4, column "t": time 1 repeats that of line 2; each time may stand in one row only.',
    ],
    [
      'decreasing times',
      rows('t,a', '2,2', '1,3'),
      't.csv, line 3, column "t": time 1 comes before 2 of line 2; sort the rows by time.',
    ],
    [
      'an empty column',
      rows('t,a,b', '1,2,', '2,3,NA'),
      't.csv, column "b": every cell is empty; leave the column out with --columns.',
    ],
    [
      'a short line',
      rows('t,a,b', '1,2,3', '2,3'),
      't.csv, line 3: 2 cells where the first line has 3.',
    ],
    ['an open quote', rows('t,a', '1,"2'), 't.csv, line 2: a quote is opened and never closed.'],
    [
      'a quote within a cell',
      rows('t,a', '1,2"3"'),
      't.csv, line 2: a quote stands inside a cell; a quoted cell starts and ends with one.',
    ],
    [
      'two columns of one name',
      rows('t,a,a', '1,2,3'),
      't.csv, line 1: two columns are named "a"; names must differ.',
    ],
  ])('%s', (_name, text, sentence) => {
    expect(refusal(text)).toBe(sentence);
  });

  test('an unknown column, with the one that was meant', () => {
    const table = rows('t,Lynx,Hare', '1,2,3');
    expect(refusal(table, ['hare'])).toBe(
      't.csv: there is no column "hare" (did you mean "Hare"?); the columns are Lynx, Hare.',
    );
    expect(refusal(table, ['fox'])).toBe(
      't.csv: there is no column "fox"; the columns are Lynx, Hare.',
    );
    expect(refusal(table, ['t'])).toBe('t.csv: column "t" is the time; name columns of values.');
    expect(refusal(table, ['Hare', 'Hare'])).toBe('column "Hare" is asked for twice.');
  });
});
