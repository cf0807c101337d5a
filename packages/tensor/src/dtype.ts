/**
 * Element types: which a tensor may hold, and the JavaScript array that carries each to and from a device.
 */

/** Element type of a tensor. `bool` is stored as one byte, 0 or 1. */
export type DType = 'float32' | 'float64' | 'int32' | 'bool';

/** The floating-point element types: the only ones that have derivatives. */
export type FloatDType = 'float32' | 'float64';

/** Host memory for a tensor's elements, in row-major order. */
export type HostArray = Float32Array | Float64Array | Int32Array | Uint8Array;

/** A tensor's static description: what shape rules work on. `opaque` is a loop's tape (see graph.ts). */
export interface Spec {
  readonly shape: readonly number[];
  readonly dtype: DType | 'opaque';
}

const arrayTypes = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  bool: Uint8Array,
} as const;

/** A zeroed host array of `size` elements of `dtype`. */
export function hostArray(dtype: DType, size: number): HostArray {
  return new arrayTypes[dtype](size);
}

/** Copies `values` into a fresh host array of `dtype` (booleans and numbers alike). */
export function toHostArray(dtype: DType, values: ArrayLike<number>): HostArray {
  if (dtype !== 'bool') return arrayTypes[dtype].from(values);
  return Uint8Array.from(values, (value) => (value ? 1 : 0));
}

/** The dtype that a host array carries. */
export function dtypeOf(data: HostArray): DType {
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof Float64Array) return 'float64';
  if (data instanceof Int32Array) return 'int32';
  return 'bool';
}

/** Bytes that one element takes in host memory. */
export function bytesPerElement(dtype: DType): number {
  return arrayTypes[dtype].BYTES_PER_ELEMENT;
}

export function isFloat(dtype: DType | 'opaque'): dtype is FloatDType {
  return dtype === 'float32' || dtype === 'float64';
}

/** Whether derivatives flow through a value of this kind. */
export function isDifferentiable({ dtype }: Spec): boolean {
  return isFloat(dtype);
}
