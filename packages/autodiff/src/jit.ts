/**
 * `jit`: record a function once per structure of its arguments, then only run the graph.
 */
import {
  type Backend,
  type DeviceFunction,
  deviceFunction,
  flatten,
  getBackend,
  type Recording,
  type Run,
  record,
  runOnTensors,
  structureKey,
} from '@neuralode/tensor';
import { clean } from './clean.ts';

/** How many recordings one jitted function keeps; the one unused for longest goes first. */
const capacity = 64;

// biome-ignore lint/suspicious/noExplicitAny: any function can be compiled; its own types are kept.
type AnyArgs = readonly any[];

/**
 * The same function, recorded at its first call and run as one graph from then on.
 *
 * Tensors in the arguments are what may change from call to call. Everything else (numbers, strings, functions) counts
 * as part of the function: another value of it, like another shape or dtype of a tensor, makes a new recording. What
 * `fn` captures is read when it is recorded; side effects in `fn` happen only then.
 */
export function jit<Args extends AnyArgs, R>(fn: (...args: Args) => R): DeviceFunction<Args, R> {
  const recordings = new WeakMap<Backend, Map<string, Recording<R>>>();

  const recordingFor = (args: Args): Recording<R> => {
    const backend = getBackend();
    const known = recordings.get(backend) ?? new Map<string, Recording<R>>();
    recordings.set(backend, known);
    const key = structureKey(args);
    const recording = known.get(key) ?? recordClean(args, backend);
    // Put last: a Map keeps insertion order, so the first is the one unused for longest.
    known.delete(key);
    known.set(key, recording);
    if (known.size > capacity) known.delete(known.keys().next().value as string);
    return recording;
  };

  const recordClean = (args: Args, backend: Backend): Recording<R> => {
    const { tensors, rebuild } = flatten(args);
    const recording = record(tensors, (...stand) => fn(...rebuild(stand)));
    const graph = clean(recording.graph);
    return { ...recording, graph: backend.compile?.(graph) ?? graph };
  };

  return deviceFunction(fn, function* run(...args: Args): Run<R> {
    const { graph, captures, rebuild } = recordingFor(args);
    return rebuild(yield* runOnTensors(graph, [...flatten(args).tensors, ...captures]));
  });
}
