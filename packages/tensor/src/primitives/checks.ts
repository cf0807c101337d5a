/**
 * What shape rules ask of an operand's dtype.
 */
import type { DType, Spec } from '../dtype.ts';
import { isFloat } from '../dtype.ts';
import { DTypeError } from '../errors.ts';

export function concrete(spec: Spec, what: string): DType {
  if (spec.dtype === 'opaque') {
    throw new DTypeError({ what: `${what}: a loop's tape is not a tensor` });
  }
  return spec.dtype;
}

export function requireFloat(spec: Spec, what: string): void {
  if (isFloat(spec.dtype)) return;
  throw new DTypeError({
    what: `${what}: needs floating-point numbers`,
    got: spec.dtype,
    remedy: "Convert with .cast('float32') or .cast('float64')",
  });
}

export function requireSameDType(a: Spec, b: Spec, what: string): void {
  if (a.dtype === b.dtype) return;
  throw new DTypeError({
    what: `${what}: operands of different dtype`,
    got: `${a.dtype} and ${b.dtype}`,
    remedy: 'Convert one with .cast(dtype)',
  });
}

export function requireBool(spec: Spec, what: string): void {
  if (spec.dtype === 'bool') return;
  throw new DTypeError({ what: `${what}: needs booleans`, got: spec.dtype });
}
