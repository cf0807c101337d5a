/**
 * Files in the idx format of the MNIST digits (LeCun, Cortes, Burges): two zero bytes, the type of the values, the number
 * of axes, the extents as 32-bit integers with the highest byte first, and then the values. Gzipped files are unpacked.
 */
import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { InputError } from '../failure.ts';

/** Values of an idx file, bytes, and their extents. */
export interface Idx {
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

const unsignedByte = 0x08;

/** Reads an idx file of bytes with so many axes, gzipped or not. */
export async function readIdx(file: string, axes: number): Promise<Idx> {
  return parseIdx(unpacked(await readFile(file), file), axes, file);
}

function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

function unpacked(bytes: Uint8Array, file: string): Uint8Array {
  if (!isGzip(bytes)) return bytes;
  let plain: Uint8Array;
  try {
    plain = gunzipSync(bytes);
  } catch {
    throw new InputError(
      `${file}: this gzipped file ends early or is damaged (${bytes.length} bytes); copy it again.`,
    );
  }
  if (!isGzip(plain)) return plain;
  throw new InputError(`${file}: this file is gzipped twice; unpack it once with gunzip.`);
}

/** `file` is what errors name. */
export function parseIdx(bytes: Uint8Array, axes: number, file: string): Idx {
  const begin = [...bytes.subarray(0, 4)];
  const wanted = [0, 0, unsignedByte, axes];
  if (bytes.length < 4 + 4 * axes || wanted.some((byte, i) => begin[i] !== byte)) {
    throw new InputError(
      `${file}: this is no idx file of bytes with ${axes === 1 ? 'one axis' : `${axes} axes`}: ` +
        `it begins with ${hex(begin)}, expected ${hex(wanted)}.`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape = Array.from({ length: axes }, (_, i) => view.getUint32(4 + 4 * i));
  const size = shape.reduce((product, extent) => product * extent, 1);
  const data = bytes.subarray(4 + 4 * axes);
  if (data.length === size) return { shape, data };
  const how = data.length < size ? 'truncated' : 'too long';
  throw new InputError(
    `${file}: this file is ${how}: ${data.length} values after its head, which says ` +
      `${shape.join(' × ')} = ${size}.`,
  );
}

function hex(bytes: readonly number[]): string {
  return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(' ') || 'nothing';
}
