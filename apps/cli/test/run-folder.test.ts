import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { removeParts, writeWhole } from '../src/run/atomic-file.ts';
import { type IterationMetrics, MetricsLog } from '../src/run/metrics-log.ts';
import {
  createRunFolder,
  openRunFolder,
  requireFreeFolder,
  runFiles,
} from '../src/run/run-folder.ts';
import { newRecord, type RunRecord } from '../src/run/run-record.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'neuralode-run-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const at = (...names: string[]) => join(folder, ...names);
const record = (started = '2026-03-30T12:00:00.000Z'): RunRecord => ({
  ...newRecord('fit', { epochs: 3 }),
  started,
});

describe('the folder of a new run', () => {
  test('may be a new one, or an empty one', async () => {
    mkdirSync(at('empty'));
    await createRunFolder(record(), 'data', at('empty'));
    const { path } = await createRunFolder(record(), 'data', at('new', 'deep'));
    expect(path).toBe(at('new', 'deep'));
    expect(JSON.parse(readFileSync(at('new', 'deep', 'run.json'), 'utf8'))).toMatchObject({
      format: 1,
      command: 'fit',
      options: { epochs: 3 },
    });
  });

  test('is never one that holds something else', async () => {
    mkdirSync(at('photos'));
    writeFileSync(at('photos', 'cat.jpg'), 'cat');
    await expect(requireFreeFolder(at('photos'))).rejects.toThrow(
      'this folder is not empty and holds no run; name another folder.',
    );
    await expect(requireFreeFolder(at('photos', 'cat.jpg'))).rejects.toThrow(
      'this is a file, not a folder.',
    );
    await createRunFolder(record(), 'data', at('run'));
    await expect(requireFreeFolder(at('run'))).rejects.toThrow(
      'this folder holds a run of "fit" begun 2026-03-30T12:00:00.000Z; continue it with --resume, or name another folder.',
    );
  });
});

describe('the run to continue', () => {
  test('is the one in the folder named', async () => {
    await createRunFolder(record(), 'data', at('run'));
    writeFileSync(at('run', '.checkpoint.safetensors.part'), 'half');
    const found = await openRunFolder(at('run'), 'fit');
    expect(found.record.command).toBe('fit');
    expect(readdirSync(at('run'))).toEqual(['run.json']);
  });

  test('must be there, whole, and of the same command', async () => {
    await expect(openRunFolder(at('none'), 'fit')).rejects.toThrow('no such folder to resume');
    mkdirSync(at('empty'));
    await expect(openRunFolder(at('empty'), 'fit')).rejects.toThrow('no run in this folder');
    writeFileSync(at('empty', 'run.json'), '{"format":1,"comm');
    await expect(openRunFolder(at('empty'), 'fit')).rejects.toThrow('not a whole JSON file');
    writeFileSync(at('empty', 'run.json'), '{"format":9}');
    await expect(openRunFolder(at('empty'), 'fit')).rejects.toThrow('not the record of a run');
    await createRunFolder(record(), 'data', at('run'));
    await expect(openRunFolder(at('run'), 'spirals')).rejects.toThrow(
      'this is a run of "fit", not of "spirals"',
    );
  });
});

test('a file is replaced whole, and what a killed run left is removed', async () => {
  await writeWhole(at('a.txt'), 'one');
  await writeWhole(at('a.txt'), 'two');
  expect(readFileSync(at('a.txt'), 'utf8')).toBe('two');
  writeFileSync(at('.report.html.part'), 'half');
  writeFileSync(at('.other.part'), 'not ours');
  await removeParts(folder, Object.values(runFiles));
  expect(existsSync(at('.report.html.part'))).toBe(false);
  expect(existsSync(at('.other.part'))).toBe(true);
});

describe('metrics', () => {
  const line = (iteration: number): IterationMetrics => ({
    iteration,
    loss: 1 / iteration,
    nfe: { forward: 6, backward: 6 },
    seconds: iteration,
  });
  const iterations = () =>
    readFileSync(at('m.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((text) => (JSON.parse(text) as IterationMetrics).iteration);

  test('go on after the checkpoint: later lines, and a half one, are dropped', async () => {
    const log = await MetricsLog.open(at('m.jsonl'), 0);
    for (const i of [1, 2, 3, 4]) log.append(line(i));
    log.close();
    writeFileSync(at('m.jsonl'), `${readFileSync(at('m.jsonl'), 'utf8')}{"iteration":5,"lo`);
    const again = await MetricsLog.open(at('m.jsonl'), 3);
    expect(again.seconds).toBe(3);
    again.append(line(4));
    again.close();
    expect(iterations()).toEqual([1, 2, 3, 4]);
  });
});
