/** The parts of `cnf` and `paper`: what can be typed, scores by hand, pictures, pages. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { inflateSync } from 'node:zlib';
import { reference } from '@neuralode/backend-reference';
import { setBackend, tensor } from '@neuralode/tensor';
import { parseHTML } from 'linkedom';
import { beforeAll, describe, expect, test } from 'vitest';
import { heldOut } from '../src/cnf/cnf-data.ts';
import { densityPicture } from '../src/cnf/cnf-pictures.ts';
import { scoreOf } from '../src/cnf/score.ts';
import { runCommandLine } from '../src/command-line.ts';
import { type CnfOptions, cnfDataNames, type PaperOptions, type Request } from '../src/options.ts';
import { writePage } from '../src/paper/page.ts';
import { sheetSvg } from '../src/paper/sheet.ts';
import { planeSvg } from '../src/report/density-map.ts';
import { pngAddress } from '../src/report/png.ts';
import { commandLine } from '../src/run/command-to-repeat.ts';

beforeAll(async () => {
  await setBackend(reference());
});

const stdout = new PassThrough() as unknown as NodeJS.WriteStream;

/** What was asked for by a command line. */
async function asked(...args: string[]) {
  const flows: Request<CnfOptions>[] = [];
  const figures: PaperOptions[] = [];
  const handlers = {
    fit: async () => 1,
    spirals: async () => 1,
    cnf: async (request: Request<CnfOptions>) => flows.push(request),
    mnist: async () => 1,
    paper: async (options: PaperOptions) => figures.push(options),
  };
  await runCommandLine(args, handlers, { stdout, stderr: stdout });
  return { flow: flows[0]!, figure: figures[0]! };
}

describe('what is typed', () => {
  test('cnf has two moons, the planar field and likelihood for defaults', async () => {
    const { flow } = await asked('cnf');
    expect(flow.options).toMatchObject({
      data: 'two-moons',
      field: 'planar',
      training: 'likelihood',
      trace: 'auto',
      backend: 'simd',
    });
    expect(flow.given.has('data')).toBe(false);
    const other = (await asked('cnf', 'rings', '--training', 'flow-matching', '--width', '9')).flow;
    expect(other.options).toMatchObject({ data: 'rings', training: 'flow-matching', width: 9 });
    expect(other.given).toEqual(new Set(['data', 'training', 'width']));
  });

  test('a run can be done again by the line that its report gives', async () => {
    const { flow } = await asked('cnf', 'swiss-roll', '--trace', 'hutchinson', '--seed', '4');
    const { data, ...rest } = flow.options;
    const [, ...words] = commandLine('cnf', data, rest).split(' ');
    expect((await asked(...words)).flow.options).toEqual(flow.options);
  });

  test('paper wants a figure that there is', async () => {
    expect((await asked('paper', 'figure-4', '--effort', '0.5')).figure).toMatchObject({
      figure: 'figure-4',
      seed: 0,
      effort: 0.5,
      backend: 'simd',
      out: 'docs/results',
    });
    await expect(asked('paper')).rejects.toThrow(/figure/);
    await expect(asked('paper', 'figure-9')).rejects.toThrow(
      /augmented, figure-3, figure-4, figure-5, memory, table-1, toys/,
    );
    await expect(asked('paper', 'toys', '--effort', '0')).rejects.toThrow(/above 0/);
    await expect(asked('paper', 'figure-3', '--effort', '2')).rejects.toThrow(
      /--effort has no effect on figure-3/,
    );
  });
});

test('held-out points are others than those trained on, and every name draws', () => {
  for (const name of cnfDataNames) expect(heldOut(name, 0).shape).toEqual([4000, 2]);
  const first = heldOut('rings', 0).slice([0, 0], [5, 2]).arraySync();
  expect(first).not.toEqual(heldOut('rings', 1).slice([0, 0], [5, 2]).arraySync());
});

test('a score is a mean and its standard error', async () => {
  const { mean, standardError } = await scoreOf(tensor([1, 2, 3, 6]));
  expect(mean).toBe(3);
  expect(standardError).toBeCloseTo(Math.sqrt((4 + 1 + 0 + 9) / 3 / 4), 12);
});

test('a density’s picture has its mass', async () => {
  const { picture, mass } = await densityPicture(async (x) =>
    x
      .square()
      .sum(-1)
      .mul(-0.5)
      .sub(Math.log(2 * Math.PI)),
  );
  expect(mass).toBeCloseTo(1, 4);
  expect(picture.density).toHaveLength(picture.cells ** 2);
});

describe('drawings', () => {
  test('a PNG holds the opacities, row by row, behind a sound frame', () => {
    const address = pngAddress([0, 1, 0.5, 2, -1, 0.25], 3, 2, [10, 20, 30]);
    const bytes = Buffer.from(address.replace('data:image/png;base64,', ''), 'base64');
    expect(bytes.subarray(1, 4).toString()).toBe('PNG');
    expect([bytes.readUInt32BE(16), bytes.readUInt32BE(20)]).toEqual([3, 2]);
    // the check sum of an empty IEND is known from the standard's every file
    expect(bytes.subarray(-4).toString('hex')).toBe('ae426082');
    const length = bytes.readUInt32BE(33);
    const rows = inflateSync(bytes.subarray(41, 41 + length));
    const opacities = [0, 1].map((y) => [0, 1, 2].map((x) => rows[y * 13 + 1 + 4 * x + 3]));
    expect(opacities).toEqual([
      [0, 255, 128],
      [255, 0, 64],
    ]);
    expect([...rows.subarray(1, 4)]).toEqual([10, 20, 30]);
  });

  test('points stand where they are, with y upwards, and those outside are left out', () => {
    const svg = planeSvg(
      {
        halfWidth: 2,
        points: [
          { x: 1, y: 1 },
          { x: 3, y: 0 },
        ],
      },
      { title: 'T', description: 'D' },
    );
    expect(svg).toContain('M180.0 60.0h0');
    expect(svg.match(/h0/g)).toHaveLength(1);
  });

  test('a sheet stands alone and has all drawings', () => {
    const drawing = { halfWidth: 1, points: [{ x: 0, y: 0 }] };
    const svg = sheetSvg('All', [
      {
        title: 'U1 < 2',
        drawings: [
          { title: 'a', drawing },
          { title: 'b', drawing },
        ],
      },
    ]);
    const { document } = parseHTML(svg);
    expect(document.querySelectorAll('svg svg')).toHaveLength(2);
    expect(svg).toContain('U1 &lt; 2');
    expect(svg).toContain('--ink:');
  });
});

test('a page is a table, a figure and the command', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'neuralode-page-'));
  try {
    const path = await writePage(
      {
        name: 'one',
        title: 'One',
        command: 'paper one',
        paragraphs: ['Words.'],
        tables: [{ head: ['a', 'b'], rows: [['long one', '2']] }],
        figure: { svg: '<svg/>', caption: 'What it shows' },
        data: { name: 'a [1, 2]', losses: [1 / 3, 20, 1e-9] },
      },
      'simd',
      join(folder, 'deep'),
    );
    const text = readFileSync(path, 'utf8');
    expect(text).toContain('# One\n\n`neuralode paper one`');
    expect(text).toContain('| a        | b   |\n| -------- | --- |\n| long one | 2   |');
    expect(text).toContain('![What it shows](one.svg)');
    expect(readFileSync(join(folder, 'deep', 'one.svg'), 'utf8')).toBe('<svg/>');
    const json = readFileSync(join(folder, 'deep', 'one.json'), 'utf8');
    expect(json.trim().split('\n')).toHaveLength(4);
    expect(JSON.parse(json)).toEqual({ name: 'a [1, 2]', losses: [0.333333, 20, 1e-9] });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
