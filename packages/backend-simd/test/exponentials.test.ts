/** The transcendental functions against float64, densely over their range. */
import { type SimdBackend, simd } from '@neuralode/backend-simd';
import { setBackend, type Tensor, tensor } from '@neuralode/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import reference from './reference/elementary.json' with { type: 'json' };

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
    ['exp', points(-105, 89), (x) => x.exp(), Math.exp],
    ['expm1', points(-20, 89), (x) => x.expm1(), Math.expm1],
    ['elu', points(-90, 20), (x) => x.elu(), (x) => (x > 0 ? x : Math.expm1(x))],
    ['tanh', points(-10, 10), (x) => x.tanh(), Math.tanh],
    ['sigmoid', points(-105, 20), (x) => x.sigmoid(), sigmoid],
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

const view64 = new DataView(new ArrayBuffer(8));

/** As `place`, among all float64. */
function place64(x: number): bigint {
  view64.setFloat64(0, x);
  const bits = view64.getBigInt64(0);
  return bits < 0n ? -(bits & 0x7fffffffffffffffn) : bits;
}

describe('float64 within two units in the last place of what 60 digits give', () => {
  const functions: Record<string, (x: Tensor) => Tensor> = {
    exp: (x) => x.exp(),
    expm1: (x) => x.expm1(),
    tanh: (x) => x.tanh(),
    sigmoid: (x) => x.sigmoid(),
    log: (x) => x.log(),
    log1p: (x) => x.log1p(),
  };
  it.each(Object.entries(reference.functions))('%s', (name, { x, y }) => {
    const ours = functions[name.split(' ')[0]];
    const got = ours(tensor(Float64Array.from(x))).dataSync();
    for (let i = 0; i < y.length; i++) {
      const distance = place64(got[i]) - place64(y[i]);
      expect([-2n, -1n, 0n, 1n, 2n], `of ${x[i]}`).toContain(distance);
    }
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
    ['elu', (x) => x.elu(), [nan, inf, -1, 0, -0, tiny, 200, -1]],
    ['sin', (x) => x.sin(), [nan, nan, nan, 0, -0, tiny]],
    ['cos', (x) => x.cos(), [nan, nan, nan, 1, 1, 1]],
    ['log', (x) => x.log(), [nan, inf, nan, -inf, -inf, Math.fround(Math.log(tiny)), log200, nan]],
    ['log1p', (x) => x.log1p(), [nan, inf, nan, 0, -0, tiny, Math.fround(Math.log1p(200)), nan]],
    ['sqrt', (x) => x.sqrt(), [nan, inf, nan, 0, -0, rootOfTiny, Math.fround(Math.sqrt(200)), nan]],
  ])('%s', (_, ours, want) => {
    const got = ours(tensor(values.slice(0, want.length))).dataSync();
    expect(Array.from(got)).toEqual(want);
  });

  // the smallest float64, and numbers too large or too small for a result
  const wide = [nan, inf, -inf, 0, -0, Number.MIN_VALUE, 1000, -1000];
  const ulp = Number.MIN_VALUE;
  it.each<[string, (x: Tensor) => Tensor, number[]]>([
    ['exp', (x) => x.exp(), [nan, inf, 0, 1, 1, 1, inf, 0]],
    ['expm1', (x) => x.expm1(), [nan, inf, -1, 0, -0, ulp, inf, -1]],
    ['tanh', (x) => x.tanh(), [nan, 1, -1, 0, -0, ulp, 1, -1]],
    ['sigmoid', (x) => x.sigmoid(), [nan, 1, 0, 0.5, 0.5, 0.5, 1, 0]],
    ['elu', (x) => x.elu(), [nan, inf, -1, 0, -0, ulp, 1000, -1]],
    ['log', (x) => x.log(), [nan, inf, nan, -inf, -inf, Math.log(ulp), Math.log(1000), nan]],
    ['log1p', (x) => x.log1p(), [nan, inf, nan, 0, -0, ulp, Math.log1p(1000), nan]],
  ])('%s of float64', (_, ours, want) => {
    expect(Array.from(ours(tensor(Float64Array.from(wide))).dataSync())).toEqual(want);
  });
});

describe('never beyond one', () => {
  it.each(['float32', 'float64'] as const)('%s', (dtype) => {
    const x = tensor(Array.from(points(5, 50)), { dtype });
    expect(x.tanh().max().dataSync()[0]).toBe(1);
    expect(x.sigmoid().max().dataSync()[0]).toBe(1);
  });
});

describe('powers of float32', () => {
  // ECMAScript's ** differs from IEEE 754 where the base is ±1
  const exact = (x: number, y: number): number =>
    x === 1 || (x === -1 && Math.abs(y) === Number.POSITIVE_INFINITY) ? 1 : x ** y;
  const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
  const sizes = [0, 1, 2, 3, 0.5, 2.5, 1e-42, 1e-20, 1e20, 3e38, 8388609, 16777216, inf];
  const numbers = Array.from(Float32Array.from([nan, ...sizes, ...sizes.map((x) => -x)]));

  it('of all pairs of what is special', () => {
    const pairs = numbers.flatMap((x) => numbers.map((y) => [x, y]));
    const [bases, exponents] = [0, 1].map((i) =>
      tensor(Float32Array.from(pairs.map((pair) => pair[i]))),
    );
    const got = bases.pow(exponents).dataSync();
    pairs.forEach(([x, y], i) => {
      const want = Math.fround(exact(x, y));
      if (Number.isNaN(want) || want === 0) expect(got[i], `${x} ** ${y}`).toBe(want);
      else expect(Math.abs(place(got[i]) - place(want)), `${x} ** ${y}`).toBeLessThanOrEqual(2);
    });
  });

  it.each([-3, -0.3, 0.01, 2.2, 9])('to the power %d', (y) => {
    const rounded = Math.fround(y);
    const { ulps } = worst(
      points(Number.isInteger(y) ? -50 : 0, 50),
      (x) => x.pow(tensor(y, { dtype: 'float32' })),
      (x) => exact(x, rounded),
    );
    expect(ulps).toBeLessThanOrEqual(2);
  });
});
