/** Numbers of the host that go into a graph, and those that come out of one. */
import {
  type Backend,
  DeviceBuffer,
  type DType,
  type Graph,
  hostArray,
  type Run,
  releaseAll,
  runGraph,
  type Slot,
} from '@neuralode/tensor';

/** A number becomes a scalar, a list of numbers a vector. */
export type Uploadable = number | readonly number[];

/** The number, or the list of them, on the device. */
export function upload(value: Uploadable, backend: Backend, dtype: DType): DeviceBuffer {
  const values = typeof value === 'number' ? [value] : value;
  const host = hostArray(dtype, values.length);
  // A loop: filling a typed array from an array by its own means takes ten times as long.
  for (let i = 0; i < values.length; i++) host[i] = values[i];
  const shape = typeof value === 'number' ? [] : [values.length];
  return new DeviceBuffer(backend, backend.upload(host, shape, dtype));
}

/** Runs a graph whose first inputs are `numbers`, of the dtype that the graph asks for. */
export function* runWithNumbers(
  graph: Graph,
  numbers: readonly Uploadable[],
  slots: readonly Slot[],
  backend: Backend,
): Run<Slot[]> {
  const scalars: DeviceBuffer[] = [];
  try {
    numbers.forEach((value, i) => {
      scalars.push(upload(value, backend, graph.inputs[i].dtype as DType));
    });
    return yield* runGraph(graph, [...scalars, ...slots], backend);
  } finally {
    releaseAll(scalars);
  }
}

/** Reads and releases. */
export function* readNumbers(slot: Slot): Run<number[]> {
  try {
    return Array.from(yield slot as DeviceBuffer);
  } finally {
    slot.release();
  }
}
