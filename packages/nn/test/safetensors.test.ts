/** The file format: against files of Python's package, round trips, and files that are damaged. */
import { readFileSync } from 'node:fs';
import {
  CheckpointError,
  decodeSafetensors,
  encodeSafetensors,
  type HostTensor,
} from '@neuralode/nn';
import { type DType, hostArray, sizeOf, toHostArray } from '@neuralode/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const python = new Uint8Array(
  readFileSync(new URL('./reference/python.safetensors', import.meta.url)),
);

/** A file with any header and as many zero bytes of elements. */
function fileOf(header: unknown, elements = 0): Uint8Array {
  const text = typeof header === 'string' ? header : JSON.stringify(header);
  const json = new TextEncoder().encode(text);
  const file = new Uint8Array(8 + json.length + elements);
  new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true);
  file.set(json, 8);
  return file;
}

const entry = (begin: number, end: number, more: object = {}): object => ({
  dtype: 'F32',
  shape: [(end - begin) / 4],
  data_offsets: [begin, end],
  ...more,
});

describe('files of Python', () => {
  it('are read', () => {
    const { tensors, metadata } = decodeSafetensors(python);
    expect(metadata).toEqual({ 'made with': 'python' });
    expect(tensors).toEqual({
      weight: {
        dtype: 'float32',
        shape: [2, 3],
        data: new Float32Array([0, 0.25, 0.5, 0.75, 1, 1.25]),
      },
      bias: { dtype: 'float64', shape: [3], data: new Float64Array([1.5, -2.5, 1e-300]) },
      step: { dtype: 'int32', shape: [], data: new Int32Array([7]) },
      mask: { dtype: 'bool', shape: [3], data: new Uint8Array([1, 0, 1]) },
      empty: { dtype: 'float32', shape: [0, 4], data: new Float32Array(0) },
      'größe.α[0]': {
        dtype: 'float32',
        shape: [3],
        data: new Float32Array([Number.POSITIVE_INFINITY, -0, Number.NaN]),
      },
    });
  });

  it('are written, byte for byte', () => {
    const { tensors, metadata } = decodeSafetensors(python);
    expect(encodeSafetensors(tensors, metadata)).toEqual(python);
    const reversed = Object.fromEntries(Object.entries(tensors).reverse());
    expect(encodeSafetensors(reversed, metadata)).toEqual(python);
  });

  it('are read from the middle of other bytes', () => {
    const around = new Uint8Array(python.length + 16);
    around.set(python, 3);
    const view = around.subarray(3, 3 + python.length);
    expect(decodeSafetensors(view)).toEqual(decodeSafetensors(python));
  });
});

describe('round trip', () => {
  const anyTensor = fc
    .record({
      dtype: fc.constantFrom<DType>('float32', 'float64', 'int32', 'bool'),
      shape: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }),
      seed: fc.double(),
    })
    .map(({ dtype, shape, seed }): HostTensor => {
      const values = Array.from({ length: sizeOf(shape) }, (_, i) => seed + i);
      return { dtype, shape, data: toHostArray(dtype, values) };
    });
  const name = fc
    .string({ unit: 'grapheme' })
    .filter((text) => text !== '__metadata__' && text !== '__proto__');

  it('gives back what was written', () => {
    fc.assert(
      fc.property(
        fc.dictionary(name, anyTensor, { noNullPrototype: true }),
        fc.dictionary(name, fc.string(), { noNullPrototype: true }),
        (tensors, metadata) => {
          const file = encodeSafetensors(tensors, metadata);
          expect(decodeSafetensors(file)).toEqual({ tensors, metadata });
        },
      ),
    );
  });

  it('holds a tensor called "__proto__"', () => {
    const tensors = JSON.parse('{ "__proto__": 0 }');
    Object.defineProperty(tensors, '__proto__', {
      enumerable: true,
      value: { dtype: 'int32', shape: [1], data: new Int32Array([5]) },
    });
    const back = decodeSafetensors(encodeSafetensors(tensors)).tensors;
    expect(Object.keys(back)).toEqual(['__proto__']);
  });

  it('refuses to write what could not be read back', () => {
    const data = hostArray('float32', 2);
    const write = (tensor: HostTensor, called = 'w') => encodeSafetensors({ [called]: tensor });
    expect(() => write({ dtype: 'float32', shape: [3], data })).toThrow(
      /data of "w" do not fit its description; got 2 elements of float32; expected 3 of float32 for shape \[3\]/,
    );
    expect(() => write({ dtype: 'float64', shape: [2], data })).toThrow(CheckpointError);
    expect(() => write({ dtype: 'float32', shape: [2], data }, '__metadata__')).toThrow(
      CheckpointError,
    );
  });
});

describe('damaged files', () => {
  const read = (file: Uint8Array) => () => decodeSafetensors(file);

  it('are refused wherever they are cut off', () => {
    for (let length = 0; length < python.length; length++) {
      expect(read(python.subarray(0, length)), `at ${length}`).toThrow(CheckpointError);
    }
  });

  it('never give anything but a file or a CheckpointError', () => {
    const place = fc.integer({ min: 0, max: python.length - 1 });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(place, fc.integer({ min: 0, max: 255 })), { maxLength: 3 }),
        (hits) => {
          const hit = python.slice();
          for (const [where, byte] of hits) hit[where] = byte;
          try {
            decodeSafetensors(hit);
          } catch (error) {
            expect(error).toBeInstanceOf(CheckpointError);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['an empty file', new Uint8Array(0), /ends before the length of its header; got 0 bytes/],
    ['text', new TextEncoder().encode('epoch,loss\n1,0.5\n'), /no header length.*another kind/],
    [
      'a header cut off',
      fileOf('{}').subarray(0, 9),
      /cut off inside its header; got 9 bytes; expected more than 10/,
    ],
    ['a header of no JSON', fileOf('{oops'), /header is not JSON/],
    ['a header of no UTF-8', new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0, 0xff]), /header is not JSON/],
    ['a header of another type', fileOf('[]'), /not a JSON object; got \[\]/],
    ['metadata of numbers', fileOf({ __metadata__: { a: 1 } }), /not a map from names to text/],
    ['an entry of another type', fileOf({ w: 3 }), /"w" is not described/],
    ['a negative extent', fileOf({ w: entry(0, 4, { shape: [-1] }) }, 4), /"w" is not described/],
    ['a broken extent', fileOf({ w: entry(0, 4, { shape: [0.5] }) }, 4), /"w" is not described/],
    ['one offset', fileOf({ w: entry(0, 4, { data_offsets: [0] }) }, 4), /another size/],
    ['three offsets', fileOf({ w: entry(0, 4, { data_offsets: [0, 4, 8] }) }, 4), /another size/],
    [
      'an unknown dtype',
      fileOf({ w: entry(0, 4, { dtype: 'BF16' }) }, 4),
      /got BF16; expected F64, F32, I32, BOOL/,
    ],
    [
      'another size',
      fileOf({ w: entry(0, 4, { shape: [2] }) }, 4),
      /got bytes 0 to 4; expected 8 bytes for F32 \[2\]/,
    ],
    ['offsets in reverse', fileOf({ w: entry(0, 4, { data_offsets: [4, 0] }) }, 4), /another size/],
    [
      'an overlap',
      fileOf({ a: entry(0, 8), b: entry(4, 12) }, 12),
      /"b" overlaps.*got a start at byte 4; expected byte 8/,
    ],
    ['a hole', fileOf({ a: entry(0, 4), b: entry(8, 12) }, 12), /"b" leaves a hole/],
    [
      'an offset past the end',
      fileOf({ a: entry(0, 8) }, 4),
      /cut off inside its elements; got 4 bytes of elements; expected 8/,
    ],
    ['bytes too many', fileOf({ a: entry(0, 4) }, 8), /bytes follow the last tensor/],
    [
      'a huge shape',
      fileOf({ a: entry(0, 4, { shape: [2 ** 30, 2 ** 30, 2 ** 30] }) }, 4),
      /another size/,
    ],
  ])('%s', (_what, file, message) => {
    expect(read(file)).toThrow(CheckpointError);
    expect(read(file)).toThrow(message);
  });
});
