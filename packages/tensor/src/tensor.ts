/**
 * The tensor that a user holds: a shape, a dtype, and either numbers on a device or, while a function is being
 * recorded, a place in the graph. Immutable. Methods that take an operand take a plain number too.
 */
import { getBackend } from './backend.ts';
import { type DType, dtypeOf, type HostArray, isFloat, type Spec, toHostArray } from './dtype.ts';
import { ArgumentError, RecordingError, ShapeError, showShape } from './errors.ts';
import { DeviceBuffer } from './execute.ts';
import type { Value } from './graph.ts';
import * as ops from './ops.ts';
import { bufferOf, hold, type Recorder, requireDType } from './recording.ts';
import { sameShape, sizeOf } from './shape.ts';
import { Storage } from './storage.ts';

/** Where a tensor's numbers are, or will be. */
export type Source = Storage | { readonly recorder: Recorder; readonly value: Value };

/** Numbers (or booleans) nested to any depth. */
export type Nested = number | boolean | readonly Nested[];

export type Operand = Tensor | number;
export type Axes = number | readonly number[];

export class Tensor implements Spec {
  readonly shape: readonly number[];
  readonly dtype: DType;
  /** Internal: see recording.ts. */
  readonly source: Source;

  /** Internal: make tensors with `tensor(…)`, `zeros(…)` and friends. */
  constructor({ shape, dtype }: Spec, source: Source) {
    this.shape = shape;
    this.dtype = dtype as DType; // an opaque value's stand-in never leaves the rule that made it
    this.source = source;
  }

  get rank(): number {
    return this.shape.length;
  }

  /** Number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  // Reading

  /** The elements in row-major order, as a copy. */
  async data(): Promise<HostArray> {
    const buffer = this.#buffer('data').retain();
    try {
      return await buffer.backend.read(buffer.handle);
    } finally {
      buffer.release();
    }
  }

  /** The same without a promise, on a device that can be read at once. */
  dataSync(): HostArray {
    const { backend, handle } = this.#buffer('dataSync');
    if (backend.readSync === undefined) {
      throw new RecordingError({
        what: `Backend "${backend.name}" cannot be read without waiting`,
        remedy: 'Use `await tensor.data()`',
      });
    }
    return backend.readSync(handle);
  }

  /** The elements as nested arrays (a bare number for a scalar). */
  async array(): Promise<Nested> {
    return nest(await this.data(), this.shape, this.dtype);
  }

  arraySync(): Nested {
    return nest(this.dataSync(), this.shape, this.dtype);
  }

  /** The number in a tensor of one element. */
  async item(): Promise<number> {
    this.#requireOne();
    return (await this.data())[0];
  }

  itemSync(): number {
    this.#requireOne();
    return this.dataSync()[0];
  }

  #requireOne(): void {
    if (this.size === 1) return;
    throw new ShapeError({
      what: 'item() reads a tensor of one element',
      got: showShape(this.shape),
      remedy: 'Use data() or array()',
    });
  }

  #buffer(what: string): DeviceBuffer {
    if (this.source instanceof Storage) return bufferOf(this);
    throw new RecordingError({
      what: `${what}(): a tensor's numbers cannot be read while the function is being recorded`,
      remedy: 'Branch on values with where(condition, a, b), and return what you want to look at',
    });
  }

  // Life

  /** Frees the elements at once; the garbage collector does it in time. Harmless while recording and when repeated. */
  dispose(): void {
    if (this.source instanceof Storage) this.source.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  get disposed(): boolean {
    return this.source instanceof Storage && this.source.disposed;
  }

  toString(): string {
    return `Tensor ${this.dtype}${showShape(this.shape)}`;
  }

  // Arithmetic, element by element; shapes broadcast

  add(other: Operand): Tensor {
    return ops.add(this, other);
  }
  sub(other: Operand): Tensor {
    return ops.sub(this, other);
  }
  mul(other: Operand): Tensor {
    return ops.mul(this, other);
  }
  div(other: Operand): Tensor {
    return ops.div(this, other);
  }
  pow(other: Operand): Tensor {
    return ops.pow(this, other);
  }
  maximum(other: Operand): Tensor {
    return ops.maximum(this, other);
  }
  minimum(other: Operand): Tensor {
    return ops.minimum(this, other);
  }

  neg(): Tensor {
    return ops.neg(this);
  }
  abs(): Tensor {
    return ops.abs(this);
  }
  sign(): Tensor {
    return ops.sign(this);
  }
  floor(): Tensor {
    return ops.floor(this);
  }
  exp(): Tensor {
    return ops.exp(this);
  }
  expm1(): Tensor {
    return ops.expm1(this);
  }
  log(): Tensor {
    return ops.log(this);
  }
  log1p(): Tensor {
    return ops.log1p(this);
  }
  sqrt(): Tensor {
    return ops.sqrt(this);
  }
  square(): Tensor {
    return ops.square(this);
  }
  sin(): Tensor {
    return ops.sin(this);
  }
  cos(): Tensor {
    return ops.cos(this);
  }
  tanh(): Tensor {
    return ops.tanh(this);
  }
  sigmoid(): Tensor {
    return ops.sigmoid(this);
  }
  relu(): Tensor {
    return ops.relu(this);
  }
  elu(): Tensor {
    return ops.elu(this);
  }
  softplus(): Tensor {
    return ops.softplus(this);
  }

  // Comparison, giving booleans

  equal(other: Operand): Tensor {
    return ops.equal(this, other);
  }
  less(other: Operand): Tensor {
    return ops.less(this, other);
  }
  lessEqual(other: Operand): Tensor {
    return ops.lessEqual(this, other);
  }
  greater(other: Operand): Tensor {
    return ops.greater(this, other);
  }
  greaterEqual(other: Operand): Tensor {
    return ops.greaterEqual(this, other);
  }
  logicalAnd(other: Tensor): Tensor {
    return ops.logicalAnd(this, other);
  }
  logicalOr(other: Tensor): Tensor {
    return ops.logicalOr(this, other);
  }
  logicalNot(): Tensor {
    return ops.logicalNot(this);
  }

  // Products and reductions

  /** `[…, m, k] × […, k, n]`. */
  matMul(other: Tensor): Tensor {
    return ops.matMul(this, other);
  }
  sum(axes?: Axes, keepDims?: boolean): Tensor {
    return ops.sum(this, axes, keepDims);
  }
  mean(axes?: Axes, keepDims?: boolean): Tensor {
    return ops.mean(this, axes, keepDims);
  }
  max(axes?: Axes, keepDims?: boolean): Tensor {
    return ops.max(this, axes, keepDims);
  }
  min(axes?: Axes, keepDims?: boolean): Tensor {
    return ops.min(this, axes, keepDims);
  }
  argMax(axis: number): Tensor {
    return ops.argMax(this, axis);
  }
  /** log Σ exp x, without overflow. */
  logSumExp(axes?: Axes, keepDims?: boolean): Tensor {
    return ops.logSumExp(this, axes, keepDims);
  }
  softmax(axis = -1): Tensor {
    return ops.softmax(this, axis);
  }

  // Shape

  /** One extent may be -1: it is what remains. */
  reshape(shape: readonly number[]): Tensor {
    return ops.reshape(this, shape);
  }
  /** Reverses the axes, or puts input axis `perm[i]` at place i. */
  transpose(perm?: readonly number[]): Tensor {
    return ops.transpose(this, perm);
  }
  expandDims(axis: number): Tensor {
    return ops.expandDims(this, axis);
  }
  /** Drops the named axes, which must have extent 1 (all such axes where none is named). */
  squeeze(axes?: Axes): Tensor {
    return ops.squeeze(this, axes);
  }
  broadcastTo(shape: readonly number[]): Tensor {
    return ops.broadcastTo(this, shape);
  }
  /** The block from `begin` of extents `size`; -1 reaches to the end, axes left out are whole. */
  slice(begin: readonly number[], size?: readonly number[]): Tensor {
    return ops.slice(this, begin, size);
  }
  /** The slice at `index` of `axis`, which disappears. Negative counts from the end. */
  at(index: number, axis = 0): Tensor {
    return ops.at(this, index, axis);
  }
  pad(before: readonly number[], after: readonly number[]): Tensor {
    return ops.pad(this, before, after);
  }
  flip(axes?: Axes): Tensor {
    return ops.flip(this, axes);
  }
  /** The slices at `indices` (int32) along `axis`. */
  gather(indices: Tensor | readonly number[], axis = 0): Tensor {
    return ops.gather(this, indices, axis);
  }
  cast(dtype: DType): Tensor {
    return ops.cast(this, dtype);
  }
  /** The same values, a constant to derivatives. */
  stopGradient(): Tensor {
    return ops.stopGradient(this);
  }
}

export interface TensorOptions {
  /** Default: a float of the backend's own (`Backend.floatDType`) for numbers, `bool` for booleans. */
  readonly dtype?: DType;
}

function nest(data: HostArray, shape: readonly number[], dtype: DType): Nested {
  const element = (i: number): Nested => (dtype === 'bool' ? data[i] !== 0 : data[i]);
  const build = (axis: number, offset: number, stride: number): Nested => {
    if (axis === shape.length) return element(offset);
    const inner = stride / shape[axis];
    return Array.from({ length: shape[axis] }, (_, i) => build(axis + 1, offset + i * inner, inner));
  };
  return build(0, 0, data.length);
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

/** Whether derivatives flow through a tensor of this kind. */
export function isDifferentiable(spec: Spec): boolean {
  return isFloat(spec.dtype);
}
