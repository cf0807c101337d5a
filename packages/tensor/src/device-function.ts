/**
 * Functions that run on a device: called while recording they record and return at once; called outside they run, and
 * return a promise, or, by `.sync(…)` on a device that can be read at once, the result itself. One body serves all.
 */
import { getBackend } from './backend.ts';
import type { DType } from './dtype.ts';
import { RecordingError } from './errors.ts';
import { type DeviceBuffer, type Run, releaseAll, runAsync, runGraph, runSync } from './execute.ts';
import type { Graph } from './graph.ts';
import {
  commonBackend,
  hold,
  isRecording,
  record,
  requireDType,
  retainBuffers,
} from './recording.ts';
import type { Tensor } from './tensor.ts';

/**
 * A result that may still be on its way. Inside a recorded function it is there already and is used as it is; outside
 * it must be awaited first, and says so when it was not.
 */
export type Pending<T> = T & Promise<T>;

/** A function on a device; see the head of this file. */
export interface DeviceFunction<Args extends readonly unknown[], R> {
  (...args: Args): Pending<R>;
  /** Runs without a promise, on a device that can be read at once (CPU, WASM); a BackendError elsewhere. */
  sync(...args: Args): R;
}

const promiseMembers = new Set<PropertyKey>(['then', 'catch', 'finally', 'constructor']);

/** A promise that explains itself when it is taken for its result. */
export function pending<T>(promise: Promise<T>): Pending<T> {
  return new Proxy(promise, {
    get(target, key) {
      if (promiseMembers.has(key) || typeof key === 'symbol') {
        const member = Reflect.get(target, key);
        return typeof member === 'function' ? member.bind(target) : member;
      }
      throw new RecordingError({
        what: `".${key}" was read from a result that is still being computed`,
        remedy: 'Await it first, or call .sync(…) instead',
      });
    },
  }) as Pending<T>;
}

const knownDTypes = new WeakMap<Graph, ReadonlySet<DType>>();

/** Every dtype that a graph computes; looked up once, since a jitted graph runs again and again. */
function dtypesOf(graph: Graph): ReadonlySet<DType> {
  let dtypes = knownDTypes.get(graph);
  if (dtypes === undefined) {
    const outputs = graph.nodes.flatMap((node) => node.outputs.map(({ dtype }) => dtype));
    dtypes = new Set(outputs.filter((dtype) => dtype !== 'opaque'));
    knownDTypes.set(graph, dtypes);
  }
  return dtypes;
}

/** Runs `graph` on tensors that hold numbers. */
export function* runOnTensors(graph: Graph, inputs: readonly Tensor[]): Run<Tensor[]> {
  const buffers = retainBuffers(inputs);
  try {
    const backend = commonBackend(buffers) ?? getBackend();
    for (const dtype of dtypesOf(graph)) requireDType(backend, dtype);
    const outputs = yield* runGraph(graph, buffers, backend);
    return outputs.map((slot, i) => hold(slot as DeviceBuffer, graph.outputs[i]));
  } finally {
    releaseAll(buffers);
  }
}

/** Records `fn` and runs what it recorded: the eager form of anything that can be recorded. */
export function* evaluateRun<R>(fn: () => R): Run<R> {
  const { graph, captures, rebuild } = record([], fn);
  return rebuild(yield* runOnTensors(graph, captures));
}

/**
 * Makes a device function of two bodies: `inRecording` is called while recording, `run` otherwise. Leave `run` out
 * where recording the first and running the graph will do.
 */
export function deviceFunction<Args extends readonly unknown[], R>(
  inRecording: (...args: Args) => R,
  run: (...args: Args) => Run<R> = (...args) => evaluateRun(() => inRecording(...args)),
): DeviceFunction<Args, R> {
  const call = (...args: Args): Pending<R> =>
    isRecording() ? (inRecording(...args) as Pending<R>) : pending(runAsync(run(...args)));
  const sync = (...args: Args): R => (isRecording() ? inRecording(...args) : runSync(run(...args)));
  return Object.assign(call, { sync });
}

/** Runs `fn` as one recorded graph: its intermediate results are freed as soon as nothing reads them. */
export const evaluate = deviceFunction(<R>(fn: () => R): R => fn()) as {
  <R>(fn: () => R): Pending<R>;
  sync<R>(fn: () => R): R;
};
