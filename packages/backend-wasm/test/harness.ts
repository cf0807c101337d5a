/** Runs single primitives on a backend, for tests that look below the tensor interface. */
import type { Backend, DType, KernelOperand } from '@neuralode/tensor';
import { toHostArray } from '@neuralode/tensor';

export function operand(
  backend: Backend,
  values: ArrayLike<number>,
  shape: readonly number[],
  dtype: DType = 'float32',
): KernelOperand {
  return { handle: backend.upload(toHostArray(dtype, values), shape, dtype), shape, dtype };
}

/** Runs a primitive, reads its output and frees it. */
export function compute(
  backend: Backend,
  primitive: string,
  operands: readonly KernelOperand[],
  attrs: unknown,
  shape: readonly number[],
  dtype: DType = 'float32',
): number[] {
  const [handle] = backend.run(primitive, operands, attrs, [{ shape, dtype }]);
  const values = Array.from(backend.readSync?.(handle) ?? []);
  backend.free(handle);
  return values;
}
