/**
 * Recording: running a function once with stand-ins for tensors, to learn the graph of what it does.
 *
 * Recordings nest (the field of a solve inside a loss inside `grad`). Within one, every operation is recorded in the
 * innermost. A tensor that comes from outside, be it a plain one or a value of an enclosing recording, is captured: it
 * becomes one more input of the graph (closure conversion), so no gradient is lost by capturing instead of passing.
 */
import type { Backend } from './backend.ts';
import { getBackend } from './backend.ts';
import type { DType, Spec } from './dtype.ts';
import { BackendError, DTypeError, RecordingError } from './errors.ts';
import { DeviceBuffer, releaseAll } from './execute.ts';
import { type Graph, type GraphNode, Value } from './graph.ts';
import type { Primitive } from './primitive.ts';
import { Storage } from './storage.ts';
import type { Tensor } from './tensor.ts';
import { makeTensor } from './tensor-core.ts';
import { flatten } from './tree.ts';

/** One recording in progress. */
export class Recorder {
  readonly inputs: Value[] = [];
  readonly nodes: GraphNode[] = [];
  readonly captures = new Map<Tensor, Value>();
  active = true;

  /** A new input of the graph, and its stand-in. */
  input(spec: Spec): Tensor {
    const value = new Value(spec);
    this.inputs.push(value);
    return makeTensor(spec, { recorder: this, value });
  }

  /** The value that `tensor` has in this recording. */
  valueOf(tensor: Tensor): Value {
    const { source } = tensor;
    if (!(source instanceof Storage)) {
      if (source.recorder === this) return source.value;
      if (!source.recorder.active) {
        throw new RecordingError({
          what: 'A stand-in from a recording that has ended was used',
          remedy:
            'Return it from the recorded function, instead of storing it in an outer variable while recording',
        });
      }
    }
    let value = this.captures.get(tensor);
    if (value === undefined) {
      value = new Value(tensor);
      this.captures.set(tensor, value);
    }
    return value;
  }

  apply(primitive: Primitive, inputs: readonly Tensor[], attrs: unknown): Tensor[] {
    const outputs = primitive.infer(inputs, attrs).map((spec) => new Value(spec));
    const values = inputs.map((tensor) => this.valueOf(tensor));
    this.nodes.push({ primitive, inputs: values, attrs, outputs });
    return outputs.map((value) => makeTensor(value, { recorder: this, value }));
  }
}

const stack: Recorder[] = [];

/** Whether a function is being recorded right now. */
export function isRecording(): boolean {
  return stack.length > 0;
}

/** A function's graph. `captures` are the tensors that feed the graph's last inputs. */
export interface Recording<R> {
  readonly graph: Graph;
  readonly captures: readonly Tensor[];
  /** The function's result with `outputs` of a run at its leaves. */
  rebuild(outputs: readonly Tensor[]): R;
}

/** Records `fn` on stand-ins of the given specs. The graph's inputs are those, then the captures. */
export function record<R>(specs: readonly Spec[], fn: (...inputs: Tensor[]) => R): Recording<R> {
  const recorder = new Recorder();
  const inputs = specs.map((spec) => recorder.input(spec));
  stack.push(recorder);
  try {
    const result = fn(...inputs);
    if (result instanceof Promise) {
      throw new RecordingError({
        what: 'A recorded function returned a promise',
        remedy:
          'Make it a plain function: while recording nothing runs, so there is nothing to await',
      });
    }
    const { tensors, rebuild } = flatten(result);
    const outputs = tensors.map((tensor) => recorder.valueOf(tensor));
    const graph = {
      inputs: [...recorder.inputs, ...recorder.captures.values()],
      nodes: recorder.nodes,
      outputs,
    };
    return { graph, captures: [...recorder.captures.keys()], rebuild };
  } finally {
    stack.pop();
    recorder.active = false;
  }
}

/** Applies a primitive: recorded where a recording is in progress, run at once otherwise. */
export function apply(primitive: Primitive, inputs: readonly Tensor[], attrs?: unknown): Tensor[] {
  const recorder = stack.at(-1);
  if (recorder !== undefined) return recorder.apply(primitive, inputs, attrs);
  if (primitive.run !== undefined) {
    throw new RecordingError({
      what: `The primitive ${primitive.name} runs only inside a recorded function`,
      remedy: 'Wrap the call in jit(…) or evaluate(…)',
    });
  }
  return runEagerly(primitive, inputs, attrs);
}

function runEagerly(primitive: Primitive, inputs: readonly Tensor[], attrs: unknown): Tensor[] {
  const outputs = primitive.infer(inputs, attrs);
  const buffers = retainBuffers(inputs);
  try {
    const backend = commonBackend(buffers) ?? getBackend();
    for (const { dtype } of outputs) requireDType(backend, dtype as DType);
    if (primitive.name === 'reshape' || primitive.name === 'stopGradient') {
      return [hold(buffers[0].retain(), outputs[0])];
    }
    const operands = inputs.map(({ shape, dtype }, i) => ({
      handle: buffers[i].handle,
      shape,
      dtype,
    }));
    return backend
      .run(primitive.name, operands, attrs, outputs)
      .map((handle, i) => hold(new DeviceBuffer(backend, handle), outputs[i]));
  } finally {
    releaseAll(buffers);
  }
}

/** A user's tensor around a buffer whose reference it takes over. */
export function hold(buffer: DeviceBuffer, { shape, dtype }: Spec): Tensor {
  return makeTensor({ shape, dtype }, new Storage(buffer, shape, dtype as DType));
}

/** The buffer behind a tensor that holds numbers. Borrowed. */
export function bufferOf(tensor: Tensor): DeviceBuffer {
  const { source } = tensor;
  if (source instanceof Storage) return source.buffer;
  throw new RecordingError({
    what: 'A stand-in of a recording has no numbers yet',
    remedy: 'While recording nothing runs; branch on values with where(condition, a, b)',
  });
}

/**
 * The buffers behind tensors that hold numbers, for the caller to release. Retained one by one: bringing a paged-out one
 * back may page out another that nobody retains.
 */
export function retainBuffers(tensors: readonly Tensor[]): DeviceBuffer[] {
  const buffers: DeviceBuffer[] = [];
  try {
    for (const tensor of tensors) buffers.push(bufferOf(tensor).retain());
  } catch (error) {
    releaseAll(buffers);
    throw error;
  }
  return buffers;
}

/** The one backend that all buffers live on; none for an empty list. */
export function commonBackend(buffers: readonly DeviceBuffer[]): Backend | undefined {
  const backend = buffers[0]?.backend;
  for (const buffer of buffers) {
    if (buffer.backend === backend) continue;
    throw new BackendError({
      what: 'Operands live on different backends',
      got: `"${backend?.name}" and "${buffer.backend.name}"`,
      remedy:
        'Move one: read it with .data() and make it anew with tensor(…) under the other backend',
    });
  }
  return backend;
}

export function requireDType(backend: Backend, dtype: DType): void {
  if (backend.dtypes.includes(dtype)) return;
  throw new DTypeError({
    what: `Backend "${backend.name}" has no ${dtype}`,
    expected: backend.dtypes.join(', '),
    ...(dtype === 'float64' && {
      remedy: 'Use float32, or the backend of @neuralode/backend-reference',
    }),
  });
}

/** Replays `graph` on tensors, in whatever recording is in progress. */
export function inline(graph: Graph, inputs: readonly Tensor[]): Tensor[] {
  const tensors = new Map<Value, Tensor>();
  graph.inputs.forEach((value, i) => {
    tensors.set(value, inputs[i]);
  });
  const at = (value: Value): Tensor => tensors.get(value) as Tensor;
  for (const node of graph.nodes) {
    const outputs = apply(node.primitive, node.inputs.map(at), node.attrs);
    node.outputs.forEach((value, i) => {
      tensors.set(value, outputs[i]);
    });
  }
  return graph.outputs.map(at);
}
