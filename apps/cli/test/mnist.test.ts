/** What `mnist` reads, and says of files that are not what they should be. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { reference } from '@neuralode/backend-reference';
import { setBackend } from '@neuralode/tensor';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runCommandLine } from '../src/command-line.ts';
import { readDigits, digitTensors } from '../src/mnist/digits.ts';
import { useBackend } from '../src/backend.ts';
import type { MnistOptions, Request } from '../src/options.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'neuralode-digits-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** An idx file: its head as the format's page gives it, and values. */
function idx(shape: readonly number[], values: ArrayLike<number>, type = 8): Buffer {
  const head = Buffer.alloc(4 + 4 * shape.length);
  head.set([0, 0, type, shape.length]);
  for (const [i, extent] of shape.entries()) head.writeUInt32BE(extent, 4 + 4 * i);
  return Buffer.concat([head, Buffer.from(values)]);
}

const images = (count: number, height = 28, width = 28): Buffer =>
  idx(
    [count, height, width],
    Array.from({ length: count * height * width }, (_, i) => i % 256),
  );

function write(imageFile: Buffer, labelFile: Buffer, ending = ''): void {
  writeFileSync(join(folder, `train-images-idx3-ubyte${ending}`), imageFile);
  writeFileSync(join(folder, `train-labels-idx1-ubyte${ending}`), labelFile);
}

describe('the files of the digits', () => {
  test('are read plain and gzipped alike', async () => {
    await setBackend(reference());
    write(images(3), idx([3], [7, 0, 9]));
    const plain = await readDigits(folder, 'training');
    rmSync(folder, { recursive: true });
    folder = mkdtempSync(join(tmpdir(), 'neuralode-digits-'));
    write(gzipSync(images(3)), gzipSync(idx([3], [7, 0, 9])), '.gz');
    const zipped = await readDigits(folder, 'training');
    expect(zipped).toEqual(plain);
    const { pictures, labels } = digitTensors(zipped, [2, 0]);
    expect(pictures.shape).toEqual([2, 28, 28, 1]);
    expect(await labels.array()).toEqual([9, 7]);
    // pixel 1568 is the first of the third picture
    expect((await pictures.data())[0]).toBeCloseTo((1568 % 256) / 255, 7);
  });

  const good = idx([2], [1, 2]);
  test.each<[string, Buffer, Buffer, RegExp]>([
    ['truncated', images(2).subarray(0, 1000), good, /truncated: 984 values .* 2 × 28 × 28 = 1568/],
    ['too long', Buffer.concat([images(2), Buffer.of(1)]), good, /too long/],
    ['gzipped and cut off', gzipSync(images(2)).subarray(0, 60), good, /ends early or is damaged/],
    ['gzipped twice', gzipSync(gzipSync(images(2))), good, /gzipped twice; unpack it once/],
    [
      'of another kind',
      Buffer.from('<html>not found</html>'),
      good,
      /begins with 3c 68 74 6d, expected 00 00 08 03/,
    ],
    ['of floats', idx([2, 28, 28], new Uint8Array(1568), 13), good, /begins with 00 00 0d 03/],
    ['empty', Buffer.alloc(0), good, /begins with nothing/],
    ['of another size', images(2, 32, 32), good, /32 × 32 pixels; the networks are for 28 × 28/],
    ['without a picture', images(0), idx([0], []), /no picture/],
    ['more than the labels', images(3), good, /2 labels for the 3 pictures/],
    [
      'beside labels that are no digits',
      images(2),
      idx([2], [1, 10]),
      /label 10 of picture 2 is no digit/,
    ],
    ['in the place of labels', images(2), images(2), /no idx file of bytes with one axis/],
  ])('that are %s are refused by name', async (_, imageFile, labelFile, sentence) => {
    write(imageFile, labelFile);
    await expect(readDigits(folder, 'training')).rejects.toThrow(sentence);
    await expect(readDigits(folder, 'training')).rejects.toThrow(folder);
  });

  test('that are missing are all named', async () => {
    await expect(readDigits(folder, 'test')).rejects.toThrow(
      /neither t10k-images-idx3-ubyte nor t10k-images-idx3-ubyte.gz .* four files .* idx format/,
    );
  });
});

describe('what is typed', () => {
  async function asked(...args: string[]): Promise<MnistOptions> {
    const requests: Request<MnistOptions>[] = [];
    const other = async () => 1;
    await runCommandLine(
      ['mnist', ...args],
      {
        fit: other,
        spirals: other,
        cnf: other,
        paper: other,
        mnist: async (request) => requests.push(request),
      },
      { stdout: process.stdout, stderr: process.stderr },
    );
    return requests[0]!.options;
  }

  test('the ODE-Net is differentiated by the adjoint, the RK-Net through its steps', async () => {
    expect(await asked('--data', 'd')).toMatchObject({ model: 'odenet', gradient: 'backsolve' });
    expect(await asked('--model', 'rknet')).toMatchObject({ gradient: 'direct' });
    const told = await asked('--model', 'rknet', '--gradient', 'checkpointed', '--channels', '8');
    expect(told).toMatchObject({ gradient: 'checkpointed', channels: 8 });
    const example = ['--optimiser', 'sgd', '--learning-rate', '0.1', '--crop', '4'];
    expect(await asked(...example)).toMatchObject({ optimiser: 'sgd', learningRate: 0.1, crop: 4 });
    expect(await asked()).toMatchObject({ optimiser: 'adam', crop: 0, blocks: 6 });
    await expect(asked('--optimiser', 'lbfgs')).rejects.toThrow(/adam, sgd/);
    await expect(asked('--model', 'vgg')).rejects.toThrow(/vgg/);
  });

  test('threads share the work of one backend, and of no other', async () => {
    expect(await asked('--data', 'd', '--threads', '2')).toMatchObject({ threads: 2 });
    await expect(asked('--threads', '0')).rejects.toThrow(/--threads/);
    await expect(useBackend('wasm', 2)).rejects.toThrow(/--threads 2: only --backend simd/);
  });
});
