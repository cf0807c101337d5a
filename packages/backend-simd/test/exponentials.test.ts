/** The transcendental functions against float64, densely over their range. */
import { jit } from '@neuralode/autodiff';
import { type SimdBackend, simd } from '@neuralode/backend-simd';
import { setBackend, type Tensor, tensor } from '@neuralode/tensor';
import { beforeAll, describe, expect, it } from 'vitest';

let backend: SimdBackend;
beforeAll(async () => {
  backend = simd();
  await setBackend(backend);
});

const view = new DataView(new ArrayBuffer(4));

/** A float32's place among all float32 in their order. */
function place(x: number): number {
  view.setFloat32(0, x);
  const bits = view.getInt32(0);
  return bits < 0 ? -(bits & 0x7fffffff) : bits;
}

/** How many float32 lie between the results and what float64 gives, rounded: at most. */
function worst(
  points: Float32Array,
  ours: (x: Tensor) => Tensor,
  exact: (x: number) => number,
): { ulps: number; at: number } {
  const got = ours(tensor(points)).dataSync();
  let ulps = 0;
  let at = 0;
  for (let i = 0; i < points.length; i++) {
    const distance = Math.abs(place(got[i]) - place(Math.fround(exact(points[i]))));
    if (distance > ulps) {
      ulps = distance;
      at = points[i];
    }
  }
  return { ulps, at };
}

/** Evenly from one end to the other, and evenly in size down to the smallest numbers. */
function points(low: number, high: number): Float32Array {
  const count = 200_000;
  const even = Array.from({ length: count }, (_, i) => low + ((high - low) * i) / (count - 1));
  const small = Array.from({ length: 40_000 }, (_, i) => 2 ** (-126 + (126 * i) / 40_000));
  const signed = [...small, ...small.map((x) => -x)].filter((x) => x >= low && x <= high);
  return Float32Array.from([...even, ...signed]);
}

/** The float32 closest to each of these numbers, and those beside it. */
function near(at: (n: number) => number): Float32Array {
  const numbers = Array.from({ length: 40_000 }, (_, i) => Math.fround(at(i * 7)));
  return Float32Array.from(numbers.flatMap((x) => [x * (1 - 2 ** -24), x, x * (1 + 2 ** -23)]));
}

describe('float32 within two units in the last place', () => {
  const sigmoid = (x: number): number =>
    x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x));
  const cases: [string, Float32Array, (x: Tensor) => Tensor, (x: number) => number][] = [
    ['exp', points(-87, 88.7), (x) => x.exp(), Math.exp],
    ['expm1', points(-20, 88.7), (x) => x.expm1(), Math.expm1],
    ['expm1 inside elu', points(-90, 0), jit((x: Tensor) => x.elu()).sync, Math.expm1],
    ['tanh', points(-10, 10), (x) => x.tanh(), Math.tanh],
    ['sigmoid', points(-87, 20), (x) => x.sigmoid(), sigmoid],
    ['log', points(0, 1e4), (x) => x.log(), Math.log],
    ['log of large numbers', points(0, 3e38), (x) => x.log(), Math.log],
    ['log1p', points(-1, 1e3), (x) => x.log1p(), Math.log1p],
    ['log1p of large numbers', points(0, 3e38), (x) => x.log1p(), Math.log1p],
    ['sin', points(-30, 30), (x) => x.sin(), Math.sin],
    ['sin of large angles', points(-2e6, 2e6), (x) => x.sin(), Math.sin],
    ['sin near its zeros', near((n) => n * Math.PI), (x) => x.sin(), Math.sin],
    ['cos', points(-30, 30), (x) => x.cos(), Math.cos],
    ['cos of large angles', points(-3e38, 3e38), (x) => x.cos(), Math.cos],
    ['cos near its zeros', near((n) => (n + 0.5) * Math.PI), (x) => x.cos(), Math.cos],
    ['pow', points(0, 1e4), (x) => x.pow(1.7), (x) => x ** Math.fround(1.7)],
    ['sqrt', points(0, 1e30), (x) => x.sqrt(), Math.sqrt],
  ];
  it.each(cases)('%s', (_, at, ours, exact) => {
    expect(worst(at, ours, exact).ulps).toBeLessThanOrEqual(2);
  });
});

describe('special values', () => {
  const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
  const values = [nan, inf, -inf, 0, -0, 1e-42, 200, -200];
  const tiny = Math.fround(1e-42);
  const rootOfTiny = Math.fround(Math.sqrt(tiny));
  const log200 = Math.fround(Math.log(200));
  it.each<[string, (x: Tensor) => Tensor, number[]]>([
    ['exp', (x) => x.exp(), [nan, inf, 0, 1, 1, 1, inf, 0]],
    ['expm1', (x) => x.expm1(), [nan, inf, -1, 0, -0, Math.fround(1e-42), inf, -1]],
    ['tanh', (x) => x.tanh(), [nan, 1, -1, 0, -0, Math.fround(1e-42), 1, -1]],
    ['sigmoid', (x) => x.sigmoid(), [nan, 1, 0, 0.5, 0.5, 0.5, 1, 0]],
    ['sin', (x) => x.sin(), [nan, nan, nan, 0, -0, tiny]],
    ['cos', (x) => x.cos(), [nan, nan, nan, 1, 1, 1]],
    ['log', (x) => x.log(), [nan, inf, nan, -inf, -inf, Math.fround(Math.log(tiny)), log200, nan]],
    ['log1p', (x) => x.log1p(), [nan, inf, nan, 0, -0, tiny, Math.fround(Math.log1p(200)), nan]],
    ['sqrt', (x) => x.sqrt(), [nan, inf, nan, 0, -0, rootOfTiny, Math.fround(Math.sqrt(200)), nan]],
  ])('%s', (_, ours, want) => {
    const got = ours(tensor(values.slice(0, want.length))).dataSync();
    expect(Array.from(got)).toEqual(want);
  });
});
