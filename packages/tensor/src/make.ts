/**
 * Making tensors: of numbers, of one repeated number, of evenly spaced ones.
 */
import { getBackend } from './backend.ts';
import { type DType, dtypeOf, type HostArray, toHostArray } from './dtype.ts';
import { ArgumentError, ShapeError, showShape } from './errors.ts';
import { DeviceBuffer } from './execute.ts';
import { type FillAttrs, fill } from './primitives/index.ts';
import { apply, hold, requireDType } from './recording.ts';
import { sameShape, sizeOf } from './shape.ts';
import type { Nested, Tensor } from './tensor.ts';

export interface TensorOptions {
  /** Default: a float of the backend's own (`Backend.floatDType`) for numbers, `bool` for booleans. */
  readonly dtype?: DType;
}

function unnest(values: Nested, flat: (number | boolean)[]): number[] {
  if (!Array.isArray(values)) {
    flat.push(values as number | boolean);
    return [];
  }
  let inner: number[] | undefined;
  for (const row of values) {
    const shape = unnest(row, flat);
    if (inner !== undefined && !sameShape(inner, shape)) {
      throw new ShapeError({
        what: 'tensor: nested arrays of different lengths',
        got: `rows of shape ${showShape(inner)} and ${showShape(shape)}`,
      });
    }
    inner = shape;
  }
  return [values.length, ...(inner ?? [])];
}

function isHostArray(values: unknown): values is HostArray {
  return ArrayBuffer.isView(values) && !(values instanceof DataView);
}

/** Elements, their shape, and the dtype that they have of themselves. */
function readValues(
  values: Nested | HostArray,
  shape: readonly number[] | undefined,
  dtype: DType | undefined,
): { elements: ArrayLike<number>; shape: readonly number[]; dtype: DType | undefined } {
  if (isHostArray(values)) {
    if (values instanceof Uint8Array && dtype === undefined) {
      throw new ArgumentError({
        what: 'tensor: bytes can mean numbers or booleans',
        remedy: "Say which with { dtype: 'float32' } or { dtype: 'bool' }",
      });
    }
    return { elements: values, shape: shape ?? [values.length], dtype: dtypeOf(values) };
  }
  const flat: (number | boolean)[] = [];
  const nestedShape = unnest(values, flat);
  const allBoolean = flat.length > 0 && flat.every((value) => typeof value === 'boolean');
  const bad = flat.find((value) => typeof value !== 'number' && typeof value !== 'boolean');
  if (bad !== undefined) {
    throw new ArgumentError({ what: 'tensor: an element is not a number', got: String(bad) });
  }
  return {
    elements: flat.map(Number),
    shape: shape ?? nestedShape,
    dtype: allBoolean ? 'bool' : undefined,
  };
}

/**
 * Makes a tensor on the current backend from a number, nested arrays, or a typed array with an optional shape.
 *
 *     tensor([[1, 2], [3, 4]])
 *     tensor(new Float32Array(6), [2, 3])
 */
export function tensor(
  values: Nested | HostArray,
  shapeOrOptions?: readonly number[] | TensorOptions,
  options?: TensorOptions,
): Tensor {
  const given = Array.isArray(shapeOrOptions) ? (shapeOrOptions as readonly number[]) : undefined;
  const settings = given === undefined ? (shapeOrOptions as TensorOptions | undefined) : options;
  const read = readValues(values, given, settings?.dtype);
  const backend = getBackend();
  const dtype = settings?.dtype ?? read.dtype ?? backend.floatDType;
  requireDType(backend, dtype);
  if (sizeOf(read.shape) !== read.elements.length) {
    throw new ShapeError({
      what: 'tensor: the shape does not hold that many elements',
      got: `${read.elements.length} elements for shape ${showShape(read.shape)}`,
    });
  }
  const host = toHostArray(dtype, read.elements);
  const handle = backend.upload(host, read.shape, dtype);
  return hold(new DeviceBuffer(backend, handle), { shape: [...read.shape], dtype });
}

/** A tensor of one repeated number. */
export function full(shape: readonly number[], value: number, options?: TensorOptions): Tensor {
  const dtype = options?.dtype ?? getBackend().floatDType;
  const attrs: FillAttrs = { value, shape: [...shape], dtype };
  return apply(fill, [], attrs)[0];
}

export function zeros(shape: readonly number[], options?: TensorOptions): Tensor {
  return full(shape, 0, options);
}

export function ones(shape: readonly number[], options?: TensorOptions): Tensor {
  return full(shape, 1, options);
}

/** Zeros of the shape and dtype of `like`. */
export function zerosLike(like: Tensor): Tensor {
  return zeros(like.shape, like);
}

export function onesLike(like: Tensor): Tensor {
  return ones(like.shape, like);
}

/** `count` numbers evenly spaced from `start` to `stop`, both included. Shape [count]. */
export function linspace(
  start: number,
  stop: number,
  count: number,
  options?: TensorOptions,
): Tensor {
  const step = count > 1 ? (stop - start) / (count - 1) : 0;
  const values = Array.from({ length: count }, (_, i) =>
    i === count - 1 ? stop : start + i * step,
  );
  return tensor(count === 1 ? [start] : values, options);
}
