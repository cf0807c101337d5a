// Where the stock kernels are wrong (see README.md), ours are held against float64.
import { describe, expect, it } from 'vitest';
import { wasm } from '../src/index.ts';
import { compute, operand } from './harness.ts';

const backend = await wasm();

/** Both signs over all magnitudes of float32, and a fine grid around zero. */
const samples = Float32Array.from(
  [
    ...Array.from({ length: 640 }, (_, i) => 10 ** (-37 + i / 8.5)),
    ...Array.from({ length: 4000 }, (_, i) => (i + 0.5) / 40),
  ].flatMap((x) => [x, -x]),
);

const exact: Record<string, (x: number) => number> = {
  exp: Math.exp,
  expm1: Math.expm1,
  log: Math.log,
  log1p: Math.log1p,
  sin: Math.sin,
  cos: Math.cos,
  tanh: Math.tanh,
  elu: (x) => (x > 0 ? x : Math.expm1(x)),
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  sqrt: Math.sqrt,
  sign: Math.sign,
  floor: Math.floor,
};

const smallestNormal = 2 ** -126;

/** Units in the last place between a result and the exact value. */
function error(got: number, want: number): number {
  const rounded = Math.fround(want);
  if (Object.is(got, rounded) || got === rounded) return 0;
  const unit = Math.max(Math.abs(rounded), smallestNormal) * 2 ** -23;
  return Math.abs(got - want) / unit;
}

describe('functions of one number are within 3 units in the last place everywhere', () => {
  for (const [name, want] of Object.entries(exact)) {
    it(name, () => {
      const x = operand(backend, samples, [samples.length]);
      const got = compute(backend, name, [x], undefined, [samples.length]);
      backend.free(x.handle);
      const worst = got.reduce((most, y, i) => Math.max(most, error(y, want(samples[i]))), 0);
      expect(worst).toBeLessThan(3);
    });
  }
});

it('sum of a million tenths is right to the last digit', () => {
  const x = operand(backend, new Float32Array(1e6).fill(0.1), [1000, 1000]);
  const exactSum = Math.fround(1e6 * Math.fround(0.1));
  expect(compute(backend, 'sum', [x], { axes: [0, 1] }, [])).toEqual([exactSum]);
  const columns = compute(backend, 'sum', [x], { axes: [0] }, [1000]);
  expect(new Set(columns)).toEqual(new Set([Math.fround(1e3 * Math.fround(0.1))]));
  backend.free(x.handle);
});
