/**
 * The tensor that a user holds: a shape, a dtype, and either numbers on a device or, while a function is being
 * recorded, a place in the graph. Immutable. Methods that take an operand take a plain number too. Tensors are made by
 * `tensor(…)`, `zeros(…)` and friends (make.ts).
 */
import {
  type Conv2dOptions,
  type Conv2dTransposeOptions,
  conv2d,
  conv2dTranspose,
} from './convolution.ts';
import type { DType, HostArray } from './dtype.ts';
import { RecordingError, ShapeError, showShape } from './errors.ts';
import type { DeviceBuffer } from './execute.ts';
import * as ops from './ops.ts';
import { bufferOf } from './recording.ts';
import { sizeOf } from './shape.ts';
import { Storage } from './storage.ts';
import { defineTensor, TensorCore } from './tensor-core.ts';

/** Numbers (or booleans) nested to any depth. */
export type Nested = number | boolean | readonly Nested[];

export type Operand = Tensor | number;
export type Axes = number | readonly number[];

export class Tensor extends TensorCore {
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

  override toString(): string {
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
  /** Pictures [N, H, W, C] with filters [window rows, window columns, C, K]: [N, H′, W′, K]. */
  conv2d(filters: Tensor, options?: Conv2dOptions): Tensor {
    return conv2d(this, filters, options);
  }
  /** The transpose of a `conv2d` with these filters and options: [N, H′, W′, K] to [N, H, W, C]. */
  conv2dTranspose(filters: Tensor, options?: Conv2dTransposeOptions): Tensor {
    return conv2dTranspose(this, filters, options);
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

function nest(data: HostArray, shape: readonly number[], dtype: DType): Nested {
  const element = (i: number): Nested => (dtype === 'bool' ? data[i] !== 0 : data[i]);
  const build = (axis: number, offset: number, stride: number): Nested => {
    if (axis === shape.length) return element(offset);
    const inner = stride / shape[axis];
    return Array.from({ length: shape[axis] }, (_, i) =>
      build(axis + 1, offset + i * inner, inner),
    );
  };
  return build(0, 0, data.length);
}

defineTensor((spec, source) => new Tensor(spec, source));
