/**
 * Device functions whose eager form records, cleans up and runs.
 */
import {
  type DeviceFunction,
  deviceFunction,
  type Recording,
  type Run,
  record,
  runOnTensors,
} from '@neuralode/tensor';
import { clean } from './clean.ts';

/** A recording of a function of no arguments: all its inputs are captures. */
export function cleanRecording<R>(fn: () => R): Recording<R> {
  const recording = record([], fn);
  return { ...recording, graph: clean(recording.graph) };
}

function* cleanRun<R>(fn: () => R): Run<R> {
  const { graph, captures, rebuild } = cleanRecording(fn);
  return rebuild(yield* runOnTensors(graph, captures));
}

/** `deviceFunction` with clean-up before the run. */
export function cleanFunction<Args extends readonly unknown[], R>(
  body: (...args: Args) => R,
): DeviceFunction<Args, R> {
  return deviceFunction(body, (...args) => cleanRun(() => body(...args)));
}
