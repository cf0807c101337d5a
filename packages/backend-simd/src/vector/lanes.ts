/**
 * Arithmetic on vectors of 128 bits, as code to be emitted: four float32, or two float64.
 */
import type { Emit, FunctionWriter } from '../wasm/function-writer.ts';
import { floatSimd, simd } from '../wasm/simd-opcodes.ts';

type FloatType = keyof typeof floatSimd;
type Binary = (a: Emit, b: Emit) => Emit;
type Unary = (a: Emit) => Emit;

export class Lanes {
  readonly f: FunctionWriter;
  readonly dtype: FloatType;
  /** How many numbers a vector holds. */
  readonly count: 4 | 2;
  readonly add: Binary;
  readonly sub: Binary;
  readonly mul: Binary;
  readonly div: Binary;
  readonly max: Binary;
  readonly min: Binary;
  /** The first operand where neither is larger, or one is NaN: faster than max, and keeps a NaN given first. */
  readonly pmax: Binary;
  readonly pmin: Binary;
  readonly lt: Binary;
  readonly le: Binary;
  readonly eq: Binary;
  readonly ne: Binary;
  readonly abs: Unary;
  readonly neg: Unary;
  readonly sqrt: Unary;
  readonly floor: Unary;
  readonly trunc: Unary;
  readonly #fused: boolean;

  /** @param fused whether the engine has fused multiply-add (relaxed SIMD) */
  constructor(f: FunctionWriter, dtype: FloatType, fused: boolean) {
    this.f = f;
    this.dtype = dtype;
    this.count = dtype === 'float32' ? 4 : 2;
    this.#fused = fused;
    const codes = floatSimd[dtype];
    this.add = this.binary(codes.add);
    this.sub = this.binary(codes.sub);
    this.mul = this.binary(codes.mul);
    this.div = this.binary(codes.div);
    this.max = this.binary(codes.max);
    this.min = this.binary(codes.min);
    this.pmax = this.binary(codes.pmax);
    this.pmin = this.binary(codes.pmin);
    this.lt = this.binary(codes.lt);
    this.le = this.binary(codes.le);
    this.eq = this.binary(codes.eq);
    this.ne = this.binary(codes.ne);
    this.abs = this.unary(codes.abs);
    this.neg = this.unary(codes.neg);
    this.sqrt = this.unary(codes.sqrt);
    this.floor = this.unary(codes.floor);
    this.trunc = this.unary(codes.trunc);
  }

  binary(opcode: number): Binary {
    return (a, b) => () => {
      a();
      b();
      this.f.simd(opcode);
    };
  }

  unary(opcode: number): Unary {
    return (a) => () => {
      a();
      this.f.simd(opcode);
    };
  }

  /** a · b + c, rounded once where the engine can. */
  madd(a: Emit, b: Emit, c: Emit): Emit {
    if (!this.#fused) return this.add(this.mul(a, b), c);
    return () => {
      a();
      b();
      c();
      this.f.simd(floatSimd[this.dtype].madd);
    };
  }

  /**
   * c₀ + c₁ x + x² (c₂ + c₃ x + x² (…)), the pairs beside each other, so that few operations wait for each other (after
   * Estrin, 1960).
   */
  polynomial(x: Emit, coefficients: readonly number[], square?: Emit): Emit {
    const [constant, linear, ...rest] = coefficients;
    if (linear === undefined) return this.splat(constant);
    const pair = this.let(this.madd(this.splat(linear), x, this.splat(constant)));
    if (rest.length === 0) return pair;
    const known = square ?? this.let(this.mul(x, x));
    return this.madd(this.polynomial(x, rest, known), known, pair);
  }

  /** Evaluated once, here; the result may be read again and again. */
  let(value: Emit): Emit {
    const local = this.f.let('v128', value);
    return () => this.f.get(local);
  }

  /** The same number in all lanes. */
  splat(value: number): Emit {
    const local = this.f.once(
      `${this.dtype} ${Object.is(value, -0) ? '-0' : value}`,
      'v128',
      () => {
        if (this.dtype === 'float32') this.f.f32(value);
        else this.f.f64(value);
        this.f.simd(this.dtype === 'float32' ? simd.f32x4Splat : simd.f64x2Splat);
      },
    );
    return () => this.f.get(local);
  }

  /** The same bits in all four 32-bit lanes. */
  bits(value: number): Emit {
    const local = this.f.once(`bits ${value}`, 'v128', () => {
      this.f.i32(value);
      this.f.simd(simd.i32x4Splat);
    });
    return () => this.f.get(local);
  }

  and(a: Emit, b: Emit): Emit {
    return this.binary(simd.and)(a, b);
  }

  /** a without the bits of b. */
  andNot(a: Emit, b: Emit): Emit {
    return this.binary(simd.andNot)(a, b);
  }

  or(a: Emit, b: Emit): Emit {
    return this.binary(simd.or)(a, b);
  }

  xor(a: Emit, b: Emit): Emit {
    return this.binary(simd.xor)(a, b);
  }

  /** `mask ? a : b`, bit by bit. */
  select(mask: Emit, a: Emit, b: Emit): Emit {
    return () => {
      a();
      b();
      mask();
      this.f.simd(simd.bitSelect);
    };
  }

  /** Integers as wide as these floats, in the same lanes. */
  addIntegers(a: Emit, b: Emit): Emit {
    return this.binary(this.count === 4 ? simd.i32x4Add : simd.i64x2Add)(a, b);
  }

  subIntegers(a: Emit, b: Emit): Emit {
    return this.binary(this.count === 4 ? simd.i32x4Sub : simd.i64x2Sub)(a, b);
  }

  shiftLeft(x: Emit, by: number): Emit {
    return this.shift(this.count === 4 ? simd.i32x4Shl : simd.i64x2Shl, x, by);
  }

  /** Keeps the sign. */
  shiftRight(x: Emit, by: number): Emit {
    return this.shift(this.count === 4 ? simd.i32x4ShrS : simd.i64x2ShrS, x, by);
  }

  shiftRightUnsigned(x: Emit, by: number): Emit {
    return this.shift(this.count === 4 ? simd.i32x4ShrU : simd.i64x2ShrU, x, by);
  }

  /** A positive integer below 2⁵² (in 32 bits, 2²³) in all lanes: the bits of a subnormal number. */
  integer(value: number): Emit {
    return this.splat(value * (this.count === 4 ? 2 ** -149 : Number.MIN_VALUE));
  }

  /** Shifts lanes, of the width that the opcode says. */
  shift(opcode: number, x: Emit, by: number): Emit {
    return () => {
      x();
      this.f.i32(by);
      this.f.simd(opcode);
    };
  }

  shuffle(a: Emit, b: Emit, bytes: readonly number[]): Emit {
    return () => {
      a();
      b();
      this.f.simd(simd.shuffle, ...bytes);
    };
  }

  /** The upper half of the lanes, in the lower half. */
  upperHalf(x: Emit): Emit {
    return this.shuffle(x, x, [8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15]);
  }

  /** The lower halves of both, side by side. */
  lowHalves(a: Emit, b: Emit): Emit {
    return this.shuffle(a, b, [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23]);
  }
}
