/** slice by its own kernel, on random blocks of random tensors, against the definition. */
import { setBackend, sizeOf, stridesOf, tensor } from '@neuralode/tensor';
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { wasm } from '../src/index.ts';

beforeAll(async () => {
  await setBackend(await wasm());
});

/** An axis: where the block begins, its extent, and what follows it. */
const axis = fc.tuple(fc.nat(3), fc.nat(4), fc.nat(3));

/** Element `flat` of the block, as an index into the whole tensor. */
function source(flat: number, begin: number[], size: number[], shape: number[]): number {
  const inside = stridesOf(size);
  const outside = stridesOf(shape);
  return size.reduce(
    (place, extent, i) => place + (begin[i] + (Math.floor(flat / inside[i]) % extent)) * outside[i],
    0,
  );
}

it.each(['float32', 'int32', 'bool'] as const)('takes any block of %s', (dtype) => {
  fc.assert(
    fc.property(fc.array(axis, { minLength: 1, maxLength: 5 }), (axes) => {
      const begin = axes.map(([before]) => before);
      const size = axes.map(([, extent]) => extent);
      const shape = axes.map(([before, extent, after]) => before + extent + after);
      const values = Array.from({ length: sizeOf(shape) }, (_, i) =>
        dtype === 'bool' ? Number(i % 3 === 0) : i,
      );
      const x = tensor(Float64Array.from(values), shape, { dtype });
      const block = x.slice(begin, size);
      const expected = Array.from(
        { length: sizeOf(size) },
        (_, flat) => values[source(flat, begin, size, shape)],
      );
      expect(Array.from(block.dataSync())).toEqual(expected);
      block.dispose();
      x.dispose();
    }),
    { numRuns: 300 },
  );
});
