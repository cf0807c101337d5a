/**
 * `scan`: a loop over the leading axis as one node of the graph, its body recorded once.
 *
 * `carry[i + 1], y[i] = body(carry[i], x[i])`; the last carry and the stacked ys come out (as in jax.lax.scan).
 * The derivative rules are in `autodiff`.
 */
import type { Backend } from './backend.ts';
import { deviceFunction, type Pending } from './device-function.ts';
import type { DType, Spec } from './dtype.ts';
import { ArgumentError, ShapeError, showShape } from './errors.ts';
import { DeviceBuffer, type Run, releaseAll, runGraph, type Slot } from './execute.ts';
import type { Graph } from './graph.ts';
import { lowerScan } from './lower-scan.ts';
import type { Block } from './lowering.ts';
import type { Primitive } from './primitive.ts';
import * as p from './primitives/index.ts';
import { apply, record } from './recording.ts';
import { sameShape } from './shape.ts';
import type { Tensor } from './tensor.ts';
import { flatten, requireSameStructure } from './tree.ts';

/**
 * Inputs of the node: initial carries, stacked xs, constants. Inputs of `body`: carries, one slice of each x,
 * constants. Outputs of `body`: carries, one slice of each y.
 */
export interface ScanAttrs {
  readonly body: Graph;
  readonly length: number;
  readonly carries: number;
  readonly xs: number;
  /** From the last slice to the first; ys still stand where their xs stood. */
  readonly reverse: boolean;
}

/** Runs one plain primitive on slots, outside any graph: what a loop does between two runs of its body. */
export function runKernel(
  backend: Backend,
  primitive: Primitive,
  operands: readonly { slot: Slot; spec: Spec }[],
  attrs?: unknown,
): DeviceBuffer {
  const outputs = primitive.infer(
    operands.map(({ spec }) => spec),
    attrs,
  );
  const inputs = operands.map(({ slot, spec }) => ({
    handle: (slot as DeviceBuffer).handle,
    shape: spec.shape,
    dtype: spec.dtype as DType,
  }));
  const [handle] = backend.run(primitive.name, inputs, attrs, outputs);
  return new DeviceBuffer(backend, handle);
}

/** A buffer of zeros. */
export function zerosOf(backend: Backend, { shape, dtype }: Spec): DeviceBuffer {
  return runKernel(backend, p.fill, [], { value: 0, shape, dtype });
}

/** Slice `index` of a stack; its shape is the stack's without the leading axis. */
export function sliceOf(backend: Backend, slot: Slot, spec: Spec, index: number): DeviceBuffer {
  const begin = spec.shape.map((_, axis) => (axis === 0 ? index : 0));
  const size = spec.shape.map((extent, axis) => (axis === 0 ? 1 : extent));
  return runKernel(backend, p.slice, [{ slot, spec }], { begin, size });
}

/** Stacks equally shaped buffers (borrowed) along a new leading axis. */
export function stackOf(backend: Backend, slots: readonly Slot[], spec: Spec): DeviceBuffer {
  if (slots.length === 0) return zerosOf(backend, { ...spec, shape: [0, ...spec.shape] });
  const row: Spec = { shape: [1, ...spec.shape], dtype: spec.dtype };
  const operands = slots.map((slot) => ({ slot, spec: row }));
  return runKernel(backend, p.concat, operands, { axis: 0 });
}

/** The order in which a scan visits its slices. */
export function scanOrder({ length, reverse }: ScanAttrs): number[] {
  const order = Array.from({ length }, (_, i) => i);
  return reverse ? order.reverse() : order;
}

export const scanPrimitive: Primitive<ScanAttrs> = {
  name: 'scan',
  infer(_inputs, { body, length, carries }) {
    return body.outputs.map(({ shape, dtype }, i) => ({
      shape: i < carries ? shape : [length, ...shape],
      dtype,
    }));
  },
  run: runScan,
  lower: (code, inputs, outputs, attrs) =>
    lowerScan(code, inputs as readonly Block[], outputs as readonly Block[], attrs),
};

function* runScan(inputs: readonly Slot[], attrs: ScanAttrs, backend: Backend): Run<Slot[]> {
  return yield* runScanBody(inputs, attrs, backend, attrs.body, () => {});
}

/**
 * The loop itself, shared with the taped scan of `autodiff`: `body` may have further outputs beyond those of
 * `attrs.body`, which are handed to `remember` (who owns them) in the order of visits.
 */
export function* runScanBody(
  inputs: readonly Slot[],
  attrs: ScanAttrs,
  backend: Backend,
  body: Graph,
  remember: (extra: Slot[]) => void,
): Run<Slot[]> {
  const { carries, xs, length } = attrs;
  const plainOutputs = attrs.body.outputs.length;
  const constants = inputs.slice(carries + xs);
  let carry: Slot[] = inputs.slice(0, carries).map((slot) => slot.retain());
  const ys = attrs.body.outputs.slice(carries).map(() => new Array<Slot>(length));
  try {
    for (const index of scanOrder(attrs)) {
      const slices = inputs.slice(carries, carries + xs).map((slot, i) => {
        const { shape, dtype } = attrs.body.inputs[carries + i];
        return sliceOf(backend, slot, { shape: [length, ...shape], dtype }, index);
      });
      let outputs: Slot[];
      try {
        outputs = yield* runGraph(body, [...carry, ...slices, ...constants], backend);
      } finally {
        releaseAll(slices);
      }
      releaseAll(carry);
      carry = outputs.slice(0, carries);
      outputs.slice(carries, plainOutputs).forEach((slot, i) => {
        ys[i][index] = slot;
      });
      remember(outputs.slice(plainOutputs));
    }
    const stacks = ys.map((list, i) => stackOf(backend, list, attrs.body.outputs[carries + i]));
    const result = [...carry, ...stacks];
    carry = [];
    return result;
  } finally {
    releaseAll(carry);
    for (const list of ys) releaseAll(list.filter((slot) => slot !== undefined));
  }
}

/** Settings of `scan`. */
export interface ScanOptions {
  /** Visit the slices from the last to the first. Default false. */
  readonly reverse?: boolean;
  /** Number of iterations; needed only where there are no xs. */
  readonly length?: number;
}

function lengthOf(xs: readonly Tensor[], given: number | undefined): number {
  const lengths = [...xs.map(({ shape }) => shape[0]), ...(given === undefined ? [] : [given])];
  if (lengths.length === 0) {
    throw new ArgumentError({
      what: 'scan: without xs, the length must be given',
      remedy: 'Pass { length }',
    });
  }
  if (lengths.some((length) => length !== lengths[0])) {
    throw new ShapeError({
      what: 'scan: xs of different leading extents',
      got: lengths.map(String).join(', '),
    });
  }
  return lengths[0];
}

function requireSameCarry(before: readonly Tensor[], after: readonly Tensor[]): void {
  before.forEach((tensor, i) => {
    if (sameShape(tensor.shape, after[i].shape) && tensor.dtype === after[i].dtype) return;
    throw new ShapeError({
      what: 'scan: the body changed the shape or dtype of a carry',
      got: `${after[i].dtype}${showShape(after[i].shape)}`,
      expected: `${tensor.dtype}${showShape(tensor.shape)}`,
    });
  });
}

function recordScan<Carry, X, Y>(
  body: (carry: Carry, x: X) => readonly [Carry, Y],
  init: Carry,
  xs: X,
  options: ScanOptions = {},
): [Carry, Y] {
  const carry = flatten(init);
  const stacked = flatten(xs);
  const length = lengthOf(stacked.tensors, options.length);
  const slices = stacked.tensors.map(({ shape, dtype }) => ({ shape: shape.slice(1), dtype }));
  const carries = carry.tensors.length;
  const recording = record([...carry.tensors, ...slices], (...stand) => {
    const result = body(
      carry.rebuild(stand.slice(0, carries)),
      stacked.rebuild(stand.slice(carries)),
    );
    requireSameStructure(init, result[0], 'scan: the carry that the body returned');
    requireSameCarry(carry.tensors, flatten(result[0]).tensors);
    return [result[0], result[1]] as [Carry, Y];
  });
  const attrs: ScanAttrs = {
    body: recording.graph,
    length,
    carries,
    xs: stacked.tensors.length,
    reverse: options.reverse ?? false,
  };
  const inputs = [...carry.tensors, ...stacked.tensors, ...recording.captures];
  return recording.rebuild(apply(scanPrimitive, inputs, attrs));
}

/**
 * Loops `body` over the leading axis of the tensors of `xs`; see the head of this file.
 *
 * @param body called once, while recording, with the carry and one slice of each x; returns the next carry (of the
 *   same structure, shapes and dtypes) and this slice's y (any tree)
 * @param init the first carry: a tree of tensors
 * @param xs a tree of tensors with a common leading extent; an empty object or array with `options.length`
 * @returns the last carry, and the ys stacked along a new leading axis
 */
export const scan = deviceFunction(recordScan) as unknown as {
  <Carry, X, Y>(
    body: (carry: Carry, x: X) => readonly [Carry, Y],
    init: Carry,
    xs: X,
    options?: ScanOptions,
  ): Pending<[Carry, Y]>;
  sync: <Carry, X, Y>(
    body: (carry: Carry, x: X) => readonly [Carry, Y],
    init: Carry,
    xs: X,
    options?: ScanOptions,
  ) => [Carry, Y];
};
