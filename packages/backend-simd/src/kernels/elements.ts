/** How elements travel between memory and the lanes of a vector: whole vectors, or their first few lanes. */
import type { DType } from '@neuralode/tensor';
import type { Emit, FunctionWriter } from '../wasm/function-writer.ts';
import { simd } from '../wasm/simd-opcodes.ts';

/** Bytes that an element takes in memory. */
export function bytesOf(dtype: DType): number {
  return { float32: 4, float64: 8, int32: 4, bool: 1 }[dtype];
}

/** Zero or one in each of the first lanes' bytes, as a mask of this many lanes. */
function widen(f: FunctionWriter, lanes: number): void {
  f.simd(simd.extendLow8To16);
  f.simd(simd.extendLow16To32);
  if (lanes === 4) {
    f.simd(simd.i32x4Neg);
  } else {
    f.simd(simd.extendLow32To64);
    f.simd(simd.i64x2Neg);
  }
}

/** Zeros, to load single lanes into. */
function zero(f: FunctionWriter): void {
  f.simd(simd.constant, ...new Array<number>(16).fill(0));
}

/** Loads `used` elements from `address` + `offset` (in bytes) into the first lanes; the others are anything. */
export function loadLanes(
  f: FunctionWriter,
  dtype: DType,
  lanes: number,
  used: number,
  address: number,
  offset: number,
): Emit {
  const size = bytesOf(dtype);
  return () => {
    const bytes = used * size;
    if (dtype === 'bool') {
      loadBooleans(f, used, address, offset);
      widen(f, lanes);
    } else if (bytes === 16) {
      f.get(address);
      f.simdMemory(simd.load, offset);
    } else {
      f.get(address);
      f.simdMemory(bytes >= 8 ? simd.load64Zero : simd.load32Zero, offset);
      if (bytes !== 12) return;
      const low = f.let('v128', () => {});
      f.get(address);
      f.get(low);
      f.simdMemory(simd.load32Lane, offset + 8, 2);
    }
  };
}

function loadBooleans(f: FunctionWriter, used: number, address: number, offset: number): void {
  if (used === 4) {
    f.get(address);
    f.simdMemory(simd.load32Zero, offset);
    return;
  }
  const vector = f.let('v128', () => zero(f));
  for (let lane = 0; lane < used; lane++) {
    f.get(address);
    f.get(vector);
    f.simdMemory(simd.load8Lane, offset + lane, lane);
    f.set(vector);
  }
  f.get(vector);
}

/** As `loadLanes`, of numbers that lie `stride` elements apart. */
export function loadStrided(
  f: FunctionWriter,
  dtype: DType,
  used: number,
  address: number,
  offset: number,
  stride: number,
): Emit {
  const size = bytesOf(dtype);
  if (stride === 2 && used * size === 16 && size === 4) {
    return () => {
      // the second vector ends with the last element wanted, so that nothing is read beyond it
      for (const first of [0, 3]) {
        f.get(address);
        f.simdMemory(simd.load, offset + first * size);
      }
      f.simd(simd.shuffle, 0, 1, 2, 3, 8, 9, 10, 11, 20, 21, 22, 23, 28, 29, 30, 31);
    };
  }
  return () => {
    const vector = f.let('v128', () => zero(f));
    for (let lane = 0; lane < used; lane++) {
      f.get(address);
      f.get(vector);
      const opcode = size === 4 ? simd.load32Lane : simd.load64Lane;
      f.simdMemory(opcode, offset + lane * stride * size, lane);
      f.set(vector);
    }
    f.get(vector);
  };
}

/** The element at `address` in all lanes. */
export function loadSplat(
  f: FunctionWriter,
  dtype: DType,
  lanes: number,
  address: number,
  offset = 0,
): Emit {
  return () => {
    f.get(address);
    const opcode = {
      float32: simd.load32Splat,
      int32: simd.load32Splat,
      float64: simd.load64Splat,
    };
    f.simdMemory(dtype === 'bool' ? simd.load8Splat : opcode[dtype], offset);
    if (dtype === 'bool') widen(f, lanes);
  };
}

/** Stores the first `used` lanes at `address` + `offset`. */
export function storeLanes(
  f: FunctionWriter,
  dtype: DType,
  lanes: number,
  used: number,
  address: number,
  offset: number,
  value: Emit,
): void {
  if (dtype === 'bool') {
    storeBooleans(f, lanes, used, address, offset, value);
    return;
  }
  const bytes = used * bytesOf(dtype);
  if (bytes === 16) {
    f.get(address);
    value();
    f.simdMemory(simd.store, offset);
    return;
  }
  if (bytes >= 8) {
    f.get(address);
    value();
    f.simdMemory(simd.store64Lane, offset, 0);
  }
  if (bytes % 8 === 4) {
    f.get(address);
    value();
    f.simdMemory(simd.store32Lane, offset + bytes - 4, bytes / 4 - 1);
  }
}

function storeBooleans(
  f: FunctionWriter,
  lanes: number,
  used: number,
  address: number,
  offset: number,
  value: Emit,
): void {
  const ones = f.once('a one in each lane', 'v128', () =>
    f.simd(
      simd.constant,
      ...Array.from({ length: 16 }, (_, byte) => Number(byte % (16 / lanes) === 0)),
    ),
  );
  const bytes = f.let('v128', () => {
    value();
    f.get(ones);
    f.simd(simd.and);
  });
  if (lanes === 4 && used === 4) {
    f.get(address);
    f.get(bytes);
    f.get(bytes);
    f.simd(simd.narrow32To16);
    f.get(bytes);
    f.simd(simd.narrow16To8);
    f.simdMemory(simd.store32Lane, offset, 0);
    return;
  }
  const width = 16 / lanes;
  for (let lane = 0; lane < used; lane++) {
    f.get(address);
    f.get(bytes);
    f.simdMemory(simd.store8Lane, offset + lane, lane * width);
  }
}
