/** Made-up digits in the four files of MNIST. */
import { gzipSync } from 'node:zlib';
import type { Place } from './cli.ts';

function idx(shape: number[], values: Uint8Array): Uint8Array {
  const head = Buffer.alloc(4 + 4 * shape.length);
  head.set([0, 0, 8, shape.length]);
  for (const [i, extent] of shape.entries()) head.writeUInt32BE(extent, 4 + 4 * i);
  return gzipSync(Buffer.concat([head, values]));
}

/** Pictures in which a bar stands at the place of the digit. */
export function writeDigits(
  place: Place,
  train: number,
  tests: number,
  label = (i: number): number => i % 10,
): void {
  for (const [name, count] of [['train', train] as const, ['t10k', tests] as const]) {
    const pixels = new Uint8Array(count * 784);
    const labels = Uint8Array.from({ length: count }, (_, i) => label(i));
    for (let i = 0; i < count; i++) {
      for (let y = 4; y < 24; y++) {
        const start = i * 784 + y * 28 + 2 * labels[i]! + 4;
        pixels.fill(255, start, start + 3);
      }
    }
    place.write(`${name}-images-idx3-ubyte.gz`, idx([count, 28, 28], pixels));
    place.write(`${name}-labels-idx1-ubyte.gz`, idx([count], labels));
  }
}
