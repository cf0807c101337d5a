/**
 * An elementwise expression as data, and the vector code that evaluates it: one register for each value, whatever its
 * dtype. Values of 32 bits and booleans lie in the four (or, beside float64, the first two) lanes; a boolean is a mask
 * as wide as a lane.
 */
import type { DType } from '@neuralode/tensor';
import { elu, exp, expm1, sigmoid, tanh } from '../vector/exponentials.ts';
import { Lanes } from '../vector/lanes.ts';
import { log, log1p } from '../vector/logarithms.ts';
import { pow } from '../vector/powers.ts';
import { cos, sin, tooLarge } from '../vector/trigonometry.ts';
import type { Emit, FunctionWriter } from '../wasm/function-writer.ts';
import { simd } from '../wasm/simd-opcodes.ts';
import { hostIndex, type MathFunction } from './host-functions.ts';

/** Where an operation's operand comes from. */
export type Ref =
  | { readonly member: number }
  | { readonly operand: number }
  | { readonly constant: number };

/** One operation; its operands come before it. */
export interface Member {
  readonly op: string;
  readonly dtype: DType;
  readonly inputs: readonly Ref[];
  readonly inputTypes: readonly DType[];
  readonly weights?: readonly number[];
}

/** Functions of some twenty operations, or a call. */
export const longFunctions: ReadonlySet<string> = new Set([
  'exp',
  'expm1',
  'log',
  'log1p',
  'sin',
  'cos',
  'tanh',
  'sigmoid',
  'elu',
  'pow',
]);

/** About how many operations on vectors these are. */
export function operationsOf(members: readonly Member[]): number {
  return members.reduce((total, { op }) => total + (longFunctions.has(op) ? 20 : 1), 0);
}

/** How many elements go into a vector beside each other. */
export function laneCount(dtypes: readonly DType[]): 4 | 2 {
  return dtypes.includes('float64') ? 2 : 4;
}

const lowHalves = [0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11];

type Operation = (member: Member, inputs: readonly Emit[]) => Emit;

/** Vector code for members of one expression, in one function. */
export class Evaluator {
  readonly f: FunctionWriter;
  readonly lanes: 4 | 2;
  readonly float32: Lanes;
  readonly float64: Lanes;
  /** How many of the lanes count: the others need not be handed to a function of one number. */
  #used: number;

  constructor(f: FunctionWriter, lanes: 4 | 2, fused: boolean) {
    this.f = f;
    this.lanes = lanes;
    this.#used = lanes;
    this.float32 = new Lanes(f, 'float32', fused);
    this.float64 = new Lanes(f, 'float64', fused);
  }

  /** All members' values, each kept in a local. */
  evaluate(members: readonly Member[], operand: (index: number) => Emit, used: number): Emit[] {
    this.#used = used;
    const values: Emit[] = [];
    for (const member of members) {
      const inputs = member.inputs.map((ref, i): Emit => {
        if ('member' in ref) return values[ref.member];
        if ('operand' in ref) return operand(ref.operand);
        return this.constant(ref.constant, member.inputTypes[i]);
      });
      values.push(this.float32.let(this.#apply(member, inputs)));
    }
    return values;
  }

  constant(value: number, dtype: DType): Emit {
    if (dtype === 'float32') return this.float32.splat(value);
    if (dtype === 'float64') return this.float64.splat(value);
    return this.float32.bits(dtype === 'bool' ? -Number(value !== 0) : value);
  }

  #float(dtype: DType): Lanes {
    return dtype === 'float64' ? this.float64 : this.float32;
  }

  #apply(member: Member, inputs: readonly Emit[]): Emit {
    const [type] = member.inputTypes;
    const table = type === 'int32' || type === 'bool' ? this.#integers : this.#floats;
    const operation = this.#shared[member.op] ?? table[member.op];
    if (operation === undefined) throw new Error(`no vector code for ${member.op} of ${type}`);
    return operation(member, inputs);
  }

  /** A mask of 32-bit lanes as wide as this expression's lanes. */
  #mask(type: DType, mask: Emit): Emit {
    if (this.lanes === 4 || type === 'float64') return mask;
    return this.float32.unary(simd.extendLow32To64)(mask);
  }

  /** A mask of this expression, as wide as the lanes of `type`. */
  #maskFor(type: DType, mask: Emit): Emit {
    if (this.lanes === 4 || type === 'float64' || type === 'bool') return mask;
    return this.float32.shuffle(mask, mask, lowHalves);
  }

  readonly #shared: Readonly<Record<string, Operation>> = {
    identity: (_, [x]) => x,
    cast: ({ dtype, inputTypes: [from] }, [x]) => this.#cast(x, from, dtype),
    where: ({ dtype }, [mask, a, b]) => this.float32.select(this.#maskFor(dtype, mask), a, b),
    logicalAnd: (_, [a, b]) => this.float32.and(a, b),
    logicalOr: (_, [a, b]) => this.float32.or(a, b),
    logicalNot: (_, [a]) => this.float32.unary(simd.not)(a),
  };

  readonly #floats: Readonly<Record<string, Operation>> = {
    neg: ({ dtype }, [x]) => this.#float(dtype).neg(x),
    abs: ({ dtype }, [x]) => this.#float(dtype).abs(x),
    sqrt: ({ dtype }, [x]) => this.#float(dtype).sqrt(x),
    floor: ({ dtype }, [x]) => this.#float(dtype).floor(x),
    sign: ({ dtype }, [x]) => this.#sign(this.#float(dtype), x),
    add: ({ dtype }, [a, b]) => this.#float(dtype).add(a, b),
    sub: ({ dtype }, [a, b]) => this.#float(dtype).sub(a, b),
    mul: ({ dtype }, [a, b]) => this.#float(dtype).mul(a, b),
    mulAdd: ({ dtype }, [a, b, c]) => this.#float(dtype).madd(a, b, c),
    div: ({ dtype }, [a, b]) => this.#float(dtype).div(a, b),
    maximum: (member, [a, b]) => this.#extremum(member, 'max', a, b),
    minimum: (member, [a, b]) => this.#extremum(member, 'min', a, b),
    equal: ({ inputTypes: [t] }, [a, b]) => this.#mask(t, this.#float(t).eq(a, b)),
    less: ({ inputTypes: [t] }, [a, b]) => this.#mask(t, this.#float(t).lt(a, b)),
    lessEqual: ({ inputTypes: [t] }, [a, b]) => this.#mask(t, this.#float(t).le(a, b)),
    pow: (member, [x, y]) => this.#pow(member, x, y),
    linearCombination: ({ dtype, weights = [] }, inputs) => {
      const v = this.#float(dtype);
      const [first, ...rest] = inputs.map((x, i) => ({ x, weight: weights[i] }));
      let total = first.weight === 1 ? first.x : v.mul(first.x, v.splat(first.weight));
      for (const { x, weight } of rest) {
        total = weight === 1 ? v.add(total, x) : v.madd(x, v.splat(weight), total);
      }
      return total;
    },
    exp: this.#vectorised(exp),
    expm1: this.#vectorised(expm1),
    tanh: this.#vectorised(tanh),
    sigmoid: this.#vectorised(sigmoid),
    elu: this.#vectorised(elu),
    log: this.#vectorised(log),
    log1p: this.#vectorised(log1p),
    sin: this.#ofAngle('sin', sin),
    cos: this.#ofAngle('cos', cos),
  };

  readonly #integers: Readonly<Record<string, Operation>> = {
    neg: (_, [x]) => this.float32.unary(simd.i32x4Neg)(x),
    abs: (_, [x]) => this.float32.unary(simd.i32x4Abs)(x),
    sign: (_, [x]) => {
      const zero = this.float32.bits(0);
      const compare = this.float32.binary(simd.i32x4Lt);
      return this.float32.binary(simd.i32x4Sub)(compare(x, zero), compare(zero, x));
    },
    add: (_, [a, b]) => this.float32.binary(simd.i32x4Add)(a, b),
    sub: (_, [a, b]) => this.float32.binary(simd.i32x4Sub)(a, b),
    mul: (_, [a, b]) => this.float32.binary(simd.i32x4Mul)(a, b),
    maximum: (_, [a, b]) => this.float32.binary(simd.i32x4Max)(a, b),
    minimum: (_, [a, b]) => this.float32.binary(simd.i32x4Min)(a, b),
    equal: (member, inputs) => this.#compareIntegers(simd.i32x4Eq, member, inputs),
    less: (member, inputs) => this.#compareIntegers(simd.i32x4Lt, member, inputs),
    lessEqual: (member, inputs) => this.#compareIntegers(simd.i32x4Le, member, inputs),
  };

  #compareIntegers(opcode: number, { inputTypes: [type] }: Member, [a, b]: readonly Emit[]): Emit {
    // true is −1 as a mask, so that the order of booleans is the reverse of that of their masks
    if (type === 'bool') return this.float32.binary(opcode)(b, a);
    return this.#mask(type, this.float32.binary(opcode)(a, b));
  }

  #vectorised(vector: (v: Lanes, x: Emit) => Emit): Operation {
    return ({ dtype }, [input]) => {
      const v = this.#float(dtype);
      return vector(v, v.let(input));
    };
  }

  /** Lane by lane, if any of the angles is too large for the vector code. */
  #ofAngle(name: 'sin' | 'cos', vector: typeof sin): Operation {
    return ({ dtype }, [input]) => {
      if (dtype !== 'float32') return this.#laneByLane(name, dtype, [input]);
      const { f, float32: v } = this;
      const x = v.let(input);
      const result = f.local('v128');
      const keep = (value: Emit): void => {
        value();
        f.set(result);
      };
      f.if(
        v.unary(simd.anyTrue)(tooLarge(v, x)),
        () => keep(this.#laneByLane(name, dtype, [x])),
        () => keep(vector(v, this.float64, x)),
      );
      return () => f.get(result);
    };
  }

  #sign(v: Lanes, x: Emit): Emit {
    const one = v.splat(1);
    const signs = v.sub(v.and(v.lt(v.splat(0), x), one), v.and(v.lt(x, v.splat(0)), one));
    // zero keeps its sign, and NaN is its own
    return v.select(v.or(v.lt(x, v.splat(0)), v.lt(v.splat(0), x)), signs, x);
  }

  /** Beside a number that is not NaN and no zero that IEEE tells from the other, the faster of two instructions does. */
  #extremum({ dtype, inputs: [, bound] }: Member, kind: 'max' | 'min', a: Emit, b: Emit): Emit {
    const v = this.#float(dtype);
    const constant = 'constant' in bound ? bound.constant : Number.NaN;
    if (Number.isNaN(constant) || Object.is(constant, -0)) return v[kind](a, b);
    const chosen = kind === 'max' ? v.pmax(a, b) : v.pmin(a, b);
    // of two zeros the larger is the positive one
    return kind === 'max' && constant === 0 ? v.add(chosen, b) : chosen;
  }

  /** The powers that derivatives are full of need no call. */
  #pow(member: Member, x: Emit, y: Emit): Emit {
    const v = this.#float(member.dtype);
    const [, exponent] = member.inputs;
    if ('constant' in exponent) {
      const base = v.let(x);
      switch (exponent.constant) {
        case -1:
          return v.div(v.splat(1), base);
        case 1:
          return base;
        case 2:
          return v.mul(base, base);
        default:
      }
    }
    if (member.dtype === 'float32') return pow(v, this.float64, v.let(x), v.let(y));
    return this.#laneByLane('pow', member.dtype, [x, y]);
  }

  #cast(x: Emit, from: DType, to: DType): Emit {
    const v = this.float32;
    const { lanes } = this;
    if (from === to) return x;
    if (from === 'bool') {
      if (to === 'float64') return v.and(x, this.float64.splat(1));
      const mask = this.#maskFor(to, x);
      return v.and(mask, to === 'int32' ? v.bits(1) : v.splat(1));
    }
    if (to === 'bool') {
      if (from === 'int32') {
        return this.#mask('int32', v.binary(simd.i32x4Ne)(x, v.bits(0)));
      }
      const floats = this.#float(from);
      return this.#mask(from, floats.ne(x, floats.splat(0)));
    }
    if (to === 'int32') {
      return v.unary(from === 'float64' ? simd.truncateDoubleToInt32 : simd.truncateToInt32)(x);
    }
    if (from === 'int32') {
      return v.unary(to === 'float64' ? simd.convertLowInt32ToDouble : simd.convertInt32)(x);
    }
    if (lanes === 4) throw new Error('float64 beside four lanes');
    return v.unary(to === 'float64' ? simd.promoteLow : simd.demote)(x);
  }

  /** By a function of numbers, one lane after the other. */
  #laneByLane(name: MathFunction, dtype: DType, inputs: readonly Emit[]): Emit {
    const { f } = this;
    const operands = inputs.map((input) => this.float32.let(input));
    const single = dtype === 'float32';
    const result = f.local('v128');
    operands[0]();
    f.set(result);
    for (let lane = 0; lane < Math.min(this.#used, this.lanes); lane++) {
      f.get(result);
      for (const operand of operands) {
        operand();
        f.simd(single ? simd.f32x4Extract : simd.f64x2Extract, lane);
        if (single) f.op(0xbb);
      }
      f.call(hostIndex(name));
      if (single) f.op(0xb6);
      f.simd(single ? simd.f32x4Replace : simd.f64x2Replace, lane);
      f.set(result);
    }
    return () => f.get(result);
  }
}
