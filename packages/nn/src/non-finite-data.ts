/**
 * Where a batch holds a number that is not finite. It is looked for only once an iteration has gone wrong: a mask may
 * rightly cover a NaN, and reading every batch would cost what training on it saves.
 */
import {
  ArgumentError,
  BackendError,
  DisposedError,
  DTypeError,
  isFloat,
  leavesWithPaths,
  NeuralodeError,
  RecordingError,
  ShapeError,
} from '@neuralode/tensor';

/** Such as `NaN in row 17, column 1 of x`; undefined where all numbers are finite. Rows are counted from 0. */
export async function nonFiniteIn(batch: unknown): Promise<string | undefined> {
  for (const { path, tensor } of leavesWithPaths(batch)) {
    if (tensor.disposed || !isFloat(tensor.dtype)) continue;
    const values = await tensor.data();
    const at = values.findIndex((value) => !Number.isFinite(value));
    if (at < 0) continue;
    const owner = path === '' ? 'the batch' : path;
    return `${values[at]} ${placeOf(at, tensor.shape)} of ${owner}`;
  }
  return undefined;
}

function placeOf(index: number, shape: readonly number[]): string {
  const place: number[] = [];
  let rest = index;
  for (const size of shape.toReversed()) {
    place.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  const [row, ...inner] = place;
  if (row === undefined) return 'as the value';
  if (inner.length === 0) return `in row ${row}`;
  return inner.length === 1
    ? `in row ${row}, column ${inner[0]}`
    : `in row ${row}, at [${inner.join(', ')}]`;
}

const refusals = [
  ArgumentError,
  BackendError,
  DisposedError,
  DTypeError,
  RecordingError,
  ShapeError,
];

/** Whether an error can come of the numbers: a solve's does, a refusal of what was asked for does not. */
export function comesOfNumbers(error: unknown): error is NeuralodeError {
  return error instanceof NeuralodeError && !refusals.some((refusal) => error instanceof refusal);
}
