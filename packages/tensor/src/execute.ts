/**
 * The executor: runs a graph kernel by kernel and keeps each buffer exactly as long as a later node reads it.
 *
 * A run is a generator that yields the buffers whose contents it must know (an adaptive solver reads its error) and is
 * handed them. The same body so serves a device that can be read at once (`runSync`) and one that cannot (`runAsync`).
 */
import type { Backend, Handle, Operand } from './backend.ts';
import type { DType, HostArray } from './dtype.ts';
import { BackendError } from './errors.ts';
import type { Graph, GraphNode, Value } from './graph.ts';

/** What a value of a graph holds at run time. Counted: freed when nobody retains it. */
export abstract class Slot {
  #references = 1;

  retain(): this {
    this.#references++;
    return this;
  }

  release(): void {
    if (--this.#references === 0) this.free();
  }

  get shared(): boolean {
    return this.#references > 1;
  }

  protected abstract free(): void;
}

/** A block of device memory. */
export class DeviceBuffer extends Slot {
  readonly backend: Backend;
  readonly handle: Handle;

  constructor(backend: Backend, handle: Handle) {
    super();
    this.backend = backend;
    this.handle = handle;
  }

  protected free(): void {
    this.backend.free(this.handle);
  }
}

/** What a loop remembers for its backward pass: the content of an `opaque` value. Owns the slots given to it. */
export class Tape<Entry extends object = object> extends Slot {
  readonly entries: Entry[] = [];
  readonly #owned: Slot[] = [];

  /** Keeps `slots` (whose references it takes over) until the tape itself is freed. */
  own(slots: readonly Slot[]): void {
    for (const slot of slots) this.#owned.push(slot);
  }

  protected free(): void {
    releaseAll(this.#owned);
    this.#owned.length = 0;
    this.entries.length = 0;
  }
}

/** A computation that asks for buffers' contents as it goes. */
export type Run<T> = Generator<DeviceBuffer, T, HostArray>;

export function releaseAll(slots: Iterable<Slot>): void {
  for (const slot of slots) slot.release();
}

/** Drives a run on a device that can be read at once. */
export function runSync<T>(run: Run<T>): T {
  let step = run.next();
  while (!step.done) {
    let content: HostArray;
    try {
      content = readNow(step.value);
    } catch (error) {
      // The run must see the failure, or it could not release what it holds.
      step = run.throw(error);
      continue;
    }
    step = run.next(content);
  }
  return step.value;
}

function readNow({ backend, handle }: DeviceBuffer): HostArray {
  if (backend.readSync !== undefined) return backend.readSync(handle);
  throw new BackendError({
    what: `.sync() is not to be had on backend "${backend.name}": it cannot be read without waiting`,
    remedy: 'Call the function itself and await its result',
  });
}

/** How long an asynchronous run may keep the thread before timers, signals and finalizers get their turn. */
const turnMilliseconds = 30;

/** Node's, where there is one: a browser's timers wait longer. Not in every library's types, hence the look-up. */
const { setImmediate: soon } = globalThis as { setImmediate?: (callback: () => void) => void };

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (soon === undefined) setTimeout(resolve, 0);
    else soon(resolve);
  });
}

let turnEnds = 0;

async function readInTurn({ backend, handle }: DeviceBuffer): Promise<HostArray> {
  if (backend.readSync === undefined) return backend.read(handle);
  await nextTurn();
  turnEnds = performance.now() + turnMilliseconds;
  return backend.readSync(handle);
}

/** Drives a run on any device. Does not wait where the device need not be waited for. */
export async function runAsync<T>(run: Run<T>): Promise<T> {
  let step = run.next();
  while (!step.done) {
    const { backend, handle } = step.value;
    let content: HostArray;
    try {
      const atOnce = backend.readSync !== undefined && performance.now() < turnEnds;
      content = atOnce ? (backend.readSync?.(handle) as HostArray) : await readInTurn(step.value);
    } catch (error) {
      step = run.throw(error);
      continue;
    }
    step = run.next(content);
  }
  return step.value;
}

interface PlannedNode {
  readonly node: GraphNode;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** Places whose last reader this node is. */
  readonly release: readonly number[];
}

/** A graph with its values numbered and each value's last reader known. */
interface Plan {
  readonly places: number;
  readonly nodes: readonly PlannedNode[];
  readonly outputs: readonly number[];
}

const plans = new WeakMap<Graph, Plan>();

function planOf(graph: Graph): Plan {
  let plan = plans.get(graph);
  if (plan === undefined) {
    plan = makePlan(graph);
    plans.set(graph, plan);
  }
  return plan;
}

function makePlan(graph: Graph): Plan {
  const places = new Map<Value, number>();
  const place = (value: Value): number => {
    let known = places.get(value);
    if (known === undefined) {
      known = places.size;
      places.set(value, known);
    }
    return known;
  };
  for (const input of graph.inputs) place(input);
  const borrowed = graph.inputs.length;
  const numbered = graph.nodes.map((node) => ({
    node,
    inputs: node.inputs.map(place),
    outputs: node.outputs.map(place),
  }));
  const outputs = graph.outputs.map(place);

  // Walked backwards, the first reader met is the last one to run.
  const needed = new Set(outputs);
  const planned: PlannedNode[] = [];
  for (const step of numbered.toReversed()) {
    const last = [...new Set([...step.inputs, ...step.outputs])].filter(
      (index) => index >= borrowed && !needed.has(index),
    );
    for (const index of last) needed.add(index);
    planned.push({ ...step, release: last });
  }
  return { places: places.size, nodes: planned.reverse(), outputs };
}

/** Primitives that give their operand's elements another name: they share its buffer. */
const renaming = new Set(['reshape', 'stopGradient']);

function runKernel(
  { node, inputs, outputs }: PlannedNode,
  slots: (Slot | undefined)[],
  backend: Backend,
): void {
  const operands: Operand[] = inputs.map((index, i) => ({
    handle: (slots[index] as DeviceBuffer).handle,
    shape: node.inputs[i].shape,
    dtype: node.inputs[i].dtype as DType,
  }));
  const handles = backend.run(node.primitive.name, operands, node.attrs, node.outputs);
  outputs.forEach((index, i) => {
    slots[index] = new DeviceBuffer(backend, handles[i]);
  });
}

/** Runs `graph` on borrowed `inputs`; the caller owns what comes back. On an error nothing is left behind. */
export function* runGraph(graph: Graph, inputs: readonly Slot[], backend: Backend): Run<Slot[]> {
  const plan = planOf(graph);
  const slots = new Array<Slot | undefined>(plan.places).fill(undefined);
  inputs.forEach((slot, i) => {
    slots[i] = slot;
  });
  try {
    for (const step of plan.nodes) {
      const { node } = step;
      if (renaming.has(node.primitive.name)) {
        slots[step.outputs[0]] = slots[step.inputs[0]]?.retain();
      } else if (node.primitive.run === undefined) {
        runKernel(step, slots, backend);
      } else {
        const operands = step.inputs.map((index) => slots[index] as Slot);
        const results = yield* node.primitive.run(operands, node.attrs, backend);
        step.outputs.forEach((index, i) => {
          slots[index] = results[i];
        });
      }
      for (const index of step.release) {
        slots[index]?.release();
        slots[index] = undefined;
      }
    }
    return plan.outputs.map((index) => (slots[index] as Slot).retain());
  } finally {
    for (let index = inputs.length; index < slots.length; index++) slots[index]?.release();
  }
}
