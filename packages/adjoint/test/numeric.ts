/** Independent oracles for derivatives: central differences in float64. */
import { type Tensor, tensor } from '@neuralode/tensor';

/** The gradient of a scalar function of host numbers, by central differences of relative step `step`. */
export function centralGradient(
  fn: (x: number[]) => number,
  at: readonly number[],
  step = 1e-5,
): number[] {
  return at.map((value, i) => {
    const h = step * Math.max(1, Math.abs(value));
    const moved = (by: number): number => fn(at.map((each, j) => (j === i ? value + by : each)));
    return (moved(h) - moved(-h)) / (2 * h);
  });
}

/** Largest difference of two lists, relative to the larger of 1 and the largest expected element. */
export function relativeError(got: readonly number[], expected: readonly number[]): number {
  if (got.length !== expected.length) return Number.POSITIVE_INFINITY;
  const scale = Math.max(1, ...expected.map(Math.abs));
  return got.reduce((worst, value, i) => {
    const error = Math.abs(value - expected[i]) / scale;
    return Number.isNaN(error) ? Number.NaN : Math.max(worst, error);
  }, 0);
}

/** Cuts one flat list into tensors of the given shapes. */
export function unpack(flat: readonly number[], shapes: readonly (readonly number[])[]): Tensor[] {
  let offset = 0;
  return shapes.map((shape) => {
    const size = shape.reduce((a, b) => a * b, 1);
    offset += size;
    return tensor(Float64Array.from(flat.slice(offset - size, offset)), shape);
  });
}

/** The elements of several tensors in one list. */
export function pack(tensors: readonly Tensor[]): number[] {
  return tensors.flatMap((each) => Array.from(each.dataSync()));
}
