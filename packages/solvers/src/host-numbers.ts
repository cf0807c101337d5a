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

function upload(value: number, backend: Backend, dtype: DType): DeviceBuffer {
  const host = hostArray(dtype, 1);
  host[0] = value;
  return new DeviceBuffer(backend, backend.upload(host, [], dtype));
}

/** Runs a graph whose first inputs are `numbers`, as scalars of the dtype that the graph asks for. */
export function* runWithNumbers(
  graph: Graph,
  numbers: readonly number[],
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
