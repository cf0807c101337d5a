/** Elementwise kernels against closed forms, literal values and IEEE 754. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { at, block, numbers, run } from './block.ts';

const inf = Number.POSITIVE_INFINITY;
const nan = Number.NaN;
const finite = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e3, max: 1e3 });
const float = fc.float({ noNaN: true, noDefaultInfinity: true });

describe('one operand', () => {
  it('has the values that tables give', () => {
    expect(at('exp', 1)).toBeCloseTo(Math.E, 15);
    expect(at('log', 10)).toBeCloseTo(Math.LN10, 15);
    expect(at('sin', 0.5)).toBeCloseTo(0.479425538604203, 15);
    expect(at('cos', 0.5)).toBeCloseTo(0.8775825618903728, 15);
    expect(at('tanh', 0.5)).toBeCloseTo(0.4621171572600097, 15);
    expect(at('sigmoid', 1)).toBeCloseTo(0.7310585786300049, 15);
    expect(at('sqrt', 2)).toBe(Math.SQRT2);
    expect(at('sigmoid', 0)).toBe(0.5);
    expect(numbers('floor', [block([1.5, -1.5, -0.2, 3])])).toEqual([1, -2, -1, 3]);
    expect(numbers('sign', [block([2, -3, 0])])).toEqual([1, -1, 0]);
    expect(numbers('neg', [block([2, -3, inf])])).toEqual([-2, 3, -inf]);
    expect(numbers('abs', [block([2, -3, -inf])])).toEqual([2, 3, inf]);
  });

  it('keeps the digits of expm1 and log1p near zero', () => {
    // first terms of the series: x + x²/2 and x - x²/2
    for (const x of [1e-6, -1e-6, 1e-9, 1e-15]) {
      expect(Math.abs(at('expm1', x) / (x + (x * x) / 2) - 1)).toBeLessThan(1e-12);
      expect(Math.abs(at('log1p', x) / (x - (x * x) / 2) - 1)).toBeLessThan(1e-12);
    }
  });

  it('sigmoid is right at both ends', () => {
    expect(at('sigmoid', 800)).toBe(1);
    expect(at('sigmoid', -800)).toBe(0);
    expect(at('sigmoid', -700)).toBeCloseTo(Math.exp(-700), 310);
    expect(at('sigmoid', -700)).toBeGreaterThan(0);
    expect(at('sigmoid', -inf)).toBe(0);
    expect(at('sigmoid', nan)).toBeNaN();
    fc.assert(
      fc.property(finite, (x) => {
        expect(at('sigmoid', x) + at('sigmoid', -x)).toBeCloseTo(1, 14);
      }),
    );
  });

  it('gives NaN for NaN', () => {
    for (const name of [
      'neg',
      'abs',
      'sign',
      'floor',
      'exp',
      'expm1',
      'log',
      'log1p',
      'sqrt',
      'sin',
      'cos',
      'tanh',
      'sigmoid',
    ]) {
      expect(at(name, nan), name).toBeNaN();
    }
  });

  it('is NaN outside the domain and infinite at its end', () => {
    expect(at('log', -1)).toBeNaN();
    expect(at('log', 0)).toBe(-inf);
    expect(at('log1p', -1)).toBe(-inf);
    expect(at('sqrt', -1)).toBeNaN();
    expect(at('sin', inf)).toBeNaN();
    expect(at('exp', -inf)).toBe(0);
    expect(at('expm1', -inf)).toBe(-1);
    expect(at('tanh', -inf)).toBe(-1);
  });
});

describe('float32', () => {
  const unary = {
    neg: (x: number) => -x,
    sqrt: Math.sqrt,
    exp: Math.exp,
    sin: Math.sin,
    tanh: Math.tanh,
    log1p: Math.log1p,
  };
  const binary = {
    add: (a: number, b: number) => a + b,
    sub: (a: number, b: number) => a - b,
    mul: (a: number, b: number) => a * b,
    div: (a: number, b: number) => a / b,
  };

  it.each(Object.entries(unary))('%s is the float64 result, rounded once', (name, formula) => {
    fc.assert(
      fc.property(float, (x) => {
        expect(at(name, x, 'float32')).toEqual(Math.fround(formula(x)));
      }),
    );
  });

  it.each(Object.entries(binary))('%s is the float64 result, rounded once', (name, formula) => {
    fc.assert(
      fc.property(float, float, (a, b) => {
        const inputs = [block([a], [1], 'float32'), block([b], [1], 'float32')];
        expect(numbers(name, inputs)).toEqual([Math.fround(formula(a, b))]);
      }),
    );
  });
});

describe('two operands', () => {
  it('propagates NaN from either side of maximum and minimum', () => {
    for (const name of ['maximum', 'minimum']) {
      expect(numbers(name, [block([nan, 1, nan]), block([1, nan, nan])])).toEqual([nan, nan, nan]);
    }
    expect(numbers('maximum', [block([1, -inf]), block([2, -5])])).toEqual([2, -5]);
    expect(numbers('minimum', [block([1, -inf]), block([2, -5])])).toEqual([1, -inf]);
  });

  it('raises to powers as IEEE 754 has it, where Math.pow does not', () => {
    const pow = (a: number, b: number) => numbers('pow', [block([a]), block([b])])[0];
    expect(pow(1, nan)).toBe(1);
    expect(pow(-1, inf)).toBe(1);
    expect(pow(-1, -inf)).toBe(1);
    expect(pow(nan, 0)).toBe(1);
    expect(pow(-2, 3)).toBe(-8);
    expect(pow(-8, 1 / 3)).toBeNaN();
    expect(pow(0, -1)).toBe(inf);
  });

  it('wraps int32 around', () => {
    const int = (...values: number[]) => block(values, [values.length], 'int32');
    expect(numbers('add', [int(2147483647), int(1)])).toEqual([-2147483648]);
    expect(numbers('sub', [int(-2147483648), int(1)])).toEqual([2147483647]);
    // 123456789 × 987654321 = 121932631112635269, which is -67153019 modulo 2³²
    expect(numbers('mul', [int(123456789), int(987654321)])).toEqual([-67153019]);
    expect(numbers('neg', [int(-2147483648)])).toEqual([-2147483648]);
  });

  const triples: [left: number[], right: number[], result: number[]][] = [
    [[3, 4], [4], [3, 4]],
    [
      [3, 1],
      [1, 4],
      [3, 4],
    ],
    [[], [2, 3], [2, 3]],
    [
      [2, 1, 2],
      [3, 1],
      [2, 3, 2],
    ],
    [[1], [1, 1, 2], [1, 1, 2]],
  ];

  it('broadcasts as its definition says', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...triples),
        fc.array(finite, { minLength: 24, maxLength: 24 }),
        ([a, b, to], pool) => {
          const size = (shape: number[]) => shape.reduce((product, extent) => product * extent, 1);
          const left = block(pool.slice(0, size(a)), a);
          const right = block(pool.slice(12, 12 + size(b)), b);
          const result = run('sub', [left, right]);
          expect(result.shape).toEqual(to);
          forEachIndex(to, (index, position) => {
            const want = element(left, index) - element(right, index);
            expect(result.values[position]).toBe(want);
          });
        },
      ),
    );
  });
});

/** The element that a broadcast index names: missing axes are dropped, extents of one stay at zero. */
function element(
  x: { values: ArrayLike<number>; shape: readonly number[] },
  index: number[],
): number {
  const own = index.slice(index.length - x.shape.length);
  const position = own.reduce(
    (sum, i, axis) => sum * x.shape[axis] + (x.shape[axis] === 1 ? 0 : i),
    0,
  );
  return x.values[position];
}

function forEachIndex(shape: number[], visit: (index: number[], position: number) => void): void {
  const size = shape.reduce((product, extent) => product * extent, 1);
  for (let position = 0; position < size; position++) {
    const index: number[] = [];
    let rest = position;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index.unshift(rest % shape[axis]);
      rest = Math.floor(rest / shape[axis]);
    }
    visit(index, position);
  }
}

describe('logic', () => {
  const bool = (...values: number[]) => block(values, [values.length], 'bool');

  it('compares, with NaN unequal to everything', () => {
    const a = block([1, 2, 3, nan, nan, -inf, 0]);
    const b = block([2, 2, 2, nan, 1, inf, -0]);
    expect(numbers('equal', [a, b])).toEqual([0, 1, 0, 0, 0, 0, 1]);
    expect(numbers('less', [a, b])).toEqual([1, 0, 0, 0, 0, 1, 0]);
    expect(numbers('lessEqual', [a, b])).toEqual([1, 1, 0, 0, 0, 1, 1]);
    expect(run('less', [a, b]).dtype).toBe('bool');
  });

  it('has the truth tables', () => {
    const [p, q] = [bool(0, 0, 1, 1), bool(0, 1, 0, 1)];
    expect(numbers('logicalAnd', [p, q])).toEqual([0, 0, 0, 1]);
    expect(numbers('logicalOr', [p, q])).toEqual([0, 1, 1, 1]);
    expect(numbers('logicalNot', [p])).toEqual([1, 1, 0, 0]);
  });

  it('chooses without computing on what it does not choose', () => {
    const chosen = numbers('where', [bool(1, 0), block([1, nan]), block([nan, 2])]);
    expect(chosen).toEqual([1, 2]);
    const condition = block([1, 0], [2, 1], 'bool');
    const broadcast = run('where', [condition, block([1, 2, 3]), block([9], [])]);
    expect([...broadcast.values]).toEqual([1, 2, 3, 9, 9, 9]);
    expect(broadcast.shape).toEqual([2, 3]);
  });
});

describe('cast and fill', () => {
  it('drops the fraction, saturates, and makes NaN 0 on the way to int32', () => {
    const x = block([1.9, -1.9, 0.5, -0.5, 3e9, -3e9, nan, inf]);
    const want = [1, -1, 0, 0, 2147483647, -2147483648, 0, 2147483647];
    expect(numbers('cast', [x], { dtype: 'int32' }).map((n) => n + 0)).toEqual(want);
  });

  it('to bool is "not zero"; to float32 rounds', () => {
    expect(numbers('cast', [block([0, -0, 0.1, nan, -inf])], { dtype: 'bool' })).toEqual([
      0, 0, 1, 1, 1,
    ]);
    expect(numbers('cast', [block([0.1, 1e39])], { dtype: 'float32' })).toEqual([
      Math.fround(0.1),
      inf,
    ]);
    const ints = block([16777217], [1], 'int32');
    expect(numbers('cast', [ints], { dtype: 'float32' })).toEqual([16777216]);
    expect(numbers('cast', [ints], { dtype: 'float64' })).toEqual([16777217]);
  });

  it('fills', () => {
    expect(numbers('fill', [], { value: 2.5, shape: [2, 2], dtype: 'float64' })).toEqual([
      2.5, 2.5, 2.5, 2.5,
    ]);
    expect(numbers('fill', [], { value: 256, shape: [2], dtype: 'bool' })).toEqual([1, 1]);
    expect(numbers('fill', [], { value: 1, shape: [0], dtype: 'int32' })).toEqual([]);
  });
});
