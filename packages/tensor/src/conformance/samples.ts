/** Inputs of a test: a shape and the numbers in it, literal or drawn from a generator that the test's name seeds. */
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { DType } from '../dtype.ts';
import { type Shape, sizeOf } from '../shape.ts';

/** Numbers from 0 to 1, and integers from one number to another, both included. */
export interface Random {
  float(): number;
  integer(from: number, to: number): number;
}

export interface Sample {
  readonly shape: Shape;
  /** A dtype of its own (indices, conditions); that of the test where left out. */
  readonly dtype?: DType;
  values(random: Random, dtype: DType): ArrayLike<number>;
}

/** The same name gives the same numbers, whichever tests come and go around it. */
export function randomFor(name: string): Random {
  let seed = 0;
  for (let i = 0; i < name.length; i++) seed = (Math.imul(seed, 31) + name.charCodeAt(i)) | 0;
  const generator = xoroshiro128plus(seed);
  return {
    float: () => uniformFloat64(generator),
    integer: (from, to) => uniformInt(generator, from, to),
  };
}

/** Numbers from `low` to `high`; whole ones, evenly, where the dtype is int32; 0 and 1 where it is bool. */
export function uniform(shape: Shape, low: number, high: number): Sample {
  return {
    shape,
    values(random, dtype) {
      const draw = {
        float64: () => low + (high - low) * random.float(),
        float32: () => low + (high - low) * random.float(),
        int32: () => random.integer(Math.ceil(low), Math.floor(high)),
        bool: () => random.integer(0, 1),
      }[dtype];
      return Float64Array.from({ length: sizeOf(shape) }, draw);
    },
  };
}

/** Whole numbers, so that equal ones meet. */
export function integers(shape: Shape, low: number, high: number): Sample {
  return {
    shape,
    values: (random, dtype) =>
      Float64Array.from({ length: sizeOf(shape) }, () =>
        dtype === 'bool' ? random.integer(0, 1) : random.integer(low, high),
      ),
  };
}

/** The numbers given, in a list or in `shape`. */
export function literal(values: readonly number[], shape: Shape = [values.length]): Sample {
  return { shape, values: () => values };
}

/** A list of integers whatever the dtype of the test. */
export function indices(values: readonly number[]): Sample {
  return { ...literal(values), dtype: 'int32' };
}

/** 0 and 1 at random, as booleans whatever the dtype of the test. */
export function condition(shape: Shape): Sample {
  return { ...integers(shape, 0, 1), dtype: 'bool' };
}

/** `'3×4, 4, scalar'` → [[3, 4], [4], []]: shapes as tables write them. */
export function shapesIn(text: string): number[][] {
  return text.split(', ').map((shape) => (shape === 'scalar' ? [] : shape.split('×').map(Number)));
}

/** The largest finite number. */
export function largest(dtype: DType): number {
  return { float64: Number.MAX_VALUE, float32: 3.4028234663852886e38, int32: 2147483647, bool: 1 }[
    dtype
  ];
}
