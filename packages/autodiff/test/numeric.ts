/** Independent oracles for derivatives: central differences in float64. */
import { type HostArray, type Tensor, tensor } from '@neuralode/tensor';

/** The gradient of a scalar function of host numbers, by central differences of relative step `step`. */
export function centralGradient(
  fn: (x: Float64Array) => number,
  at: ArrayLike<number>,
  step = 1e-5,
): number[] {
  const x = Float64Array.from(at);
  return Array.from(x, (value, i) => {
    const h = step * Math.max(1, Math.abs(value));
    x[i] = value + h;
    const up = fn(x);
    x[i] = value - h;
    const down = fn(x);
    x[i] = value;
    return (up - down) / (2 * h);
  });
}

/** Largest difference of two lists, relative to the larger of 1 and the largest expected element. */
export function relativeError(got: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (got.length !== expected.length) return Number.POSITIVE_INFINITY;
  const scale = Math.max(1, ...Array.from(expected, Math.abs));
  const errors = Array.from(got, (value, i) => Math.abs(value - expected[i]) / scale);
  return errors.some(Number.isNaN) ? Number.NaN : Math.max(0, ...errors);
}

/** Cuts one flat list into tensors of the given shapes. */
export function unpack(flat: ArrayLike<number>, shapes: readonly (readonly number[])[]): Tensor[] {
  let offset = 0;
  return shapes.map((shape) => {
    const size = shape.reduce((a, b) => a * b, 1);
    const part = Float64Array.from({ length: size }, (_, i) => flat[offset + i]);
    offset += size;
    return tensor(part, shape);
  });
}

/** The elements of several tensors in one list. */
export function pack(tensors: readonly Tensor[]): number[] {
  return tensors.flatMap((each) => Array.from(each.dataSync() as HostArray));
}
