/**
 * What every tensor is made of, apart from its methods: a shape, a dtype, and where its numbers are or will be.
 *
 * Operations make tensors, and a tensor's methods are operations. So that neither file has to import the other, the
 * operations make tensors through `makeTensor`, which tensor.ts provides when its class is defined.
 */
import type { DType, Spec } from './dtype.ts';
import type { Value } from './graph.ts';
import type { Recorder } from './recording.ts';
import type { Storage } from './storage.ts';
import type { Tensor } from './tensor.ts';

/** Where a tensor's numbers are, or will be. */
export type Source = Storage | { readonly recorder: Recorder; readonly value: Value };

export abstract class TensorCore implements Spec {
  readonly shape: readonly number[];
  readonly dtype: DType;
  /** Internal: see recording.ts. */
  readonly source: Source;

  constructor({ shape, dtype }: Spec, source: Source) {
    this.shape = shape;
    this.dtype = dtype as DType; // an opaque value's stand-in never leaves the rule that made it
    this.source = source;
  }
}

/** Whether something is a tensor. */
export function isTensor(value: unknown): value is Tensor {
  return value instanceof TensorCore;
}

type Maker = (spec: Spec, source: Source) => Tensor;

let maker: Maker | undefined;

/** Says how tensors are made: called once, where their class is defined. */
export function defineTensor(make: Maker): void {
  maker = make;
}

export function makeTensor(spec: Spec, source: Source): Tensor {
  return (maker as Maker)(spec, source);
}
