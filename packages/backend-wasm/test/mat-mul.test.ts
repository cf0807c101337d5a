// Products on both sides of the size at which XNNPACK takes over.
import { describe, expect, it } from 'vitest';
import { wasm } from '../src/index.ts';
import { compute, operand } from './harness.ts';

const backend = await wasm();

/** Small integers, so that every sum is exact in float32 in any order. */
function integers(count: number, seed: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => ((i * 7 + seed * 13) % 11) - 5);
}

function product(a: Float32Array, b: Float32Array, m: number, k: number, n: number): number[] {
  const out: number[] = new Array(m * n).fill(0);
  for (let i = 0; i < m; i++) {
    for (let p = 0; p < k; p++) {
      for (let j = 0; j < n; j++) out[i * n + j] += a[i * k + p] * b[p * n + j];
    }
  }
  return out;
}

describe('matMul', () => {
  it('does not multiply by what a buffer was in another shape', () => {
    // XNNPACK's packed copy of the right matrix is kept by tensor number, and a reshape keeps the number
    const a = integers(64 * 48, 1);
    const b = integers(48 * 32, 2);
    const right = operand(backend, b, [48, 32]);
    for (const [k, n] of [
      [48, 32],
      [32, 48],
      [24, 64],
      [48, 32],
    ]) {
      const m = (64 * 48) / k;
      const left = operand(backend, a, [m, k]);
      const got = compute(backend, 'matMul', [left, { ...right, shape: [k, n] }], undefined, [
        m,
        n,
      ]);
      expect(got).toEqual(product(a, b, m, k, n));
      backend.free(left.handle);
    }
    backend.free(right.handle);
  });

  it('broadcasts batches, small and large', () => {
    for (const [m, k, n] of [
      [2, 3, 5],
      [40, 30, 20],
    ]) {
      const a = integers(2 * m * k, 3);
      const b = integers(3 * k * n, 4);
      const operands = [operand(backend, a, [2, 1, m, k]), operand(backend, b, [3, k, n])];
      const got = compute(backend, 'matMul', operands, undefined, [2, 3, m, n]);
      const want = [0, 1].flatMap((i) =>
        [0, 1, 2].flatMap((j) => product(a.subarray(i * m * k), b.subarray(j * k * n), m, k, n)),
      );
      expect(got).toEqual(want);
      for (const { handle } of operands) backend.free(handle);
    }
  });
});
