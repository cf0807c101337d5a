/**
 * The elementwise primitives. Binary ones broadcast by NumPy's rule; comparisons give `bool`.
 */
import { DTypeError } from '../errors.ts';
import type { Primitive } from '../primitive.ts';
import { broadcastShapes } from '../shape.ts';
import { concrete, requireBool, requireFloat, requireSameDType } from './checks.ts';

type NumericKind = 'float' | 'number';

function unary(name: string, kind: NumericKind): Primitive<undefined> {
  return {
    name,
    infer([x]) {
      if (kind === 'float') requireFloat(x, name);
      else if (concrete(x, name) === 'bool') {
        throw new DTypeError({ what: `${name}: needs numbers`, got: 'bool' });
      }
      return [{ shape: x.shape, dtype: x.dtype }];
    },
  };
}

function binary(name: string, kind: NumericKind): Primitive<undefined> {
  return {
    name,
    infer([a, b]) {
      requireSameDType(a, b, name);
      if (kind === 'float') requireFloat(a, name);
      else if (concrete(a, name) === 'bool') {
        throw new DTypeError({ what: `${name}: needs numbers`, got: 'bool' });
      }
      return [{ shape: broadcastShapes(a.shape, b.shape, name), dtype: a.dtype }];
    },
  };
}

function comparison(name: string): Primitive<undefined> {
  return {
    name,
    infer([a, b]) {
      requireSameDType(a, b, name);
      return [{ shape: broadcastShapes(a.shape, b.shape, name), dtype: 'bool' }];
    },
  };
}

function logical(name: string): Primitive<undefined> {
  return {
    name,
    infer(inputs) {
      for (const input of inputs) requireBool(input, name);
      const shape = inputs
        .map((input) => input.shape)
        .reduce((a, b) => broadcastShapes(a, b, name));
      return [{ shape, dtype: 'bool' }];
    },
  };
}

export const neg = unary('neg', 'number');
export const abs = unary('abs', 'number');
/** -1, 0 or 1. */
export const sign = unary('sign', 'number');
export const floor = unary('floor', 'float');
export const exp = unary('exp', 'float');
export const expm1 = unary('expm1', 'float');
export const log = unary('log', 'float');
export const log1p = unary('log1p', 'float');
export const sqrt = unary('sqrt', 'float');
export const sin = unary('sin', 'float');
export const cos = unary('cos', 'float');
export const tanh = unary('tanh', 'float');
/** 1 / (1 + exp(-x)). */
export const sigmoid = unary('sigmoid', 'float');
/** x for x > 0, exp(x) − 1 below (Clevert, Unterthiner, Hochreiter 2015, with α = 1). */
export const elu = unary('elu', 'float');

export const add = binary('add', 'number');
export const sub = binary('sub', 'number');
export const mul = binary('mul', 'number');
export const div = binary('div', 'float');
export const pow = binary('pow', 'float');
/** NaN where either operand is NaN. */
export const maximum = binary('maximum', 'number');
export const minimum = binary('minimum', 'number');

export const equal = comparison('equal');
export const less = comparison('less');
export const lessEqual = comparison('lessEqual');

export const logicalAnd = logical('logicalAnd');
export const logicalOr = logical('logicalOr');
export const logicalNot = logical('logicalNot');

/** `condition ? a : b`, element by element; all three broadcast. */
export const where: Primitive<undefined> = {
  name: 'where',
  infer([condition, a, b]) {
    requireBool(condition, 'where: condition');
    requireSameDType(a, b, 'where');
    const shape = broadcastShapes(a.shape, b.shape, 'where');
    return [{ shape: broadcastShapes(condition.shape, shape, 'where'), dtype: a.dtype }];
  },
};
