/** The handwritten digits of MNIST, from the four files of a folder. */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { type HostPictures, randomCrop } from '@neuralode/nn';
import { type Random, tensor } from '@neuralode/tensor';
import { InputError } from '../failure.ts';
import { readIdx } from './idx.ts';

/** Pictures of digits and what they show. */
export interface Digits {
  readonly count: number;
  /** Bytes, 0 for paper and 255 for ink, picture by picture and row by row. */
  readonly pixels: Uint8Array;
  readonly labels: Uint8Array;
}

/** Pixels along a side. */
export const side = 28;
const classes = 10;

const parts = {
  training: ['train-images-idx3-ubyte', 'train-labels-idx1-ubyte'],
  test: ['t10k-images-idx3-ubyte', 't10k-labels-idx1-ubyte'],
} as const;

/** What is needed, in a sentence: for a person who named no folder, or one without the files. */
export const neededFiles =
  `it needs the four files of the MNIST digits, ${[...parts.training, ...parts.test].join(', ')}, ` +
  'in the idx format, each as it is or gzipped (with .gz behind its name)';

/** Reads one part of the data; says in one sentence what is wrong with a file. */
export async function readDigits(folder: string, part: keyof typeof parts): Promise<Digits> {
  const [imageFile, labelFile] = await Promise.all(parts[part].map((name) => find(folder, name)));
  const images = await readIdx(imageFile!, 3);
  const labels = await readIdx(labelFile!, 1);
  const [count, height, width] = images.shape as [number, number, number];
  if (height !== side || width !== side) {
    throw new InputError(
      `${imageFile}: pictures of ${height} × ${width} pixels; the networks are for ${side} × ${side}.`,
    );
  }
  if (labels.shape[0] !== count) {
    throw new InputError(
      `${labelFile}: ${labels.shape[0]} labels for the ${count} pictures of ${imageFile}; they do not belong together.`,
    );
  }
  if (count === 0) throw new InputError(`${imageFile}: there is no picture in it.`);
  const wrong = labels.data.findIndex((label) => label >= classes);
  if (wrong >= 0) {
    throw new InputError(
      `${labelFile}: label ${labels.data[wrong]} of picture ${wrong + 1} is no digit; expected 0 to 9.`,
    );
  }
  return { count, pixels: images.data, labels: labels.data };
}

async function find(folder: string, name: string): Promise<string> {
  for (const file of [join(folder, name), join(folder, `${name}.gz`)]) {
    try {
      await access(file);
      return file;
    } catch {
      // the next name
    }
  }
  throw new InputError(`${folder}: neither ${name} nor ${name}.gz is there; ${neededFiles}.`);
}

/** How pictures are moved at random, so that a network does not learn where a digit lies: see nn's `randomCrop`. */
export interface Crop {
  /** Pixels by which a picture may move; 0 leaves it where it is. */
  readonly padding: number;
  readonly rng: Random;
}

/** Some of the digits as tensors: pictures [count, 28, 28, 1] in [0, 1], and labels [count]. */
export function digitTensors({ pixels, labels }: Digits, examples: readonly number[], crop?: Crop) {
  const size = side * side;
  const data = new Float32Array(examples.length * size);
  for (const [k, example] of examples.entries()) {
    for (let i = 0; i < size; i++) data[k * size + i] = pixels[example * size + i]! / 255;
  }
  const pictures: HostPictures = { data, shape: [examples.length, side, side, 1] };
  const shown = crop === undefined ? pictures : randomCrop(pictures, crop.padding, crop.rng);
  const chosen = Int32Array.from(examples, (example) => labels[example]!);
  return {
    pictures: tensor(shown.data, shown.shape),
    labels: tensor(chosen, [examples.length], { dtype: 'int32' }),
  };
}

export type DigitTensors = ReturnType<typeof digitTensors>;
