/**
 * The fused runtime as a backend: its kernels are made for the shapes that they meet, and a graph that runs again and
 * again becomes one program, in one call of which all of it is computed.
 */
import {
  ArgumentError,
  type Backend,
  BackendError,
  dtypeOf,
  type FloatDType,
  type Graph,
  type Handle,
  type KernelOperand,
  plainPrimitives,
  type Primitive,
  type Spec,
  sizeOf,
  Value,
} from '@neuralode/tensor';
import { compileGraph } from './compile/compile.ts';
import { explain, type Explained } from './explain.ts';
import { hasFusedMultiplyAdd, hasThreads, requireSimd } from './features.ts';
import { Heap, HeapBlock, mostBytes } from './heap.ts';
import { type Device, Program } from './compile/program.ts';
import { Crew } from './threads/crew.ts';
import { mostParts } from './threads/job-board.ts';

export interface SimdOptions {
  /** Element type of tensors made from plain numbers: `float32` where left out. */
  readonly floatDType?: FloatDType;
  /**
   * Bytes that the backend's memory may grow to: 4 GiB, the most that WebAssembly has, where left out. A graph whose
   * program needs more than is left when it is compiled runs kernel by kernel, and `explain` says so.
   */
  readonly memoryLimit?: number;
  /**
   * Threads that share the work of large kernels in compiled graphs, with the one that calls: 1 where left out. A page needs
   * cross-origin isolation for more; without it there is one, and `explain` says so. Results are the same to the bit, but
   * for the derivatives of convolutions by their filters, which are sums over parts of the batch.
   */
  readonly threads?: number;
}

export interface SimdBackend extends Backend {
  /** Whether the engine has fused multiply-add (relaxed SIMD). */
  readonly fused: boolean;
  /** Threads that share the work. */
  readonly threads: number;
  /** What became of every graph compiled so far, the latest last: what is fused, and what is not and why. */
  explain(): string;
  /**
   * Lets go of the memory and of the other threads: a WebAssembly memory grows but never shrinks, so this is how one goes. What
   * tensors on it held is gone with it.
   */
  dispose(): void;
}

/** A job has two parts for each, and 255 at most. */
const mostThreads = Math.floor(mostParts / 2);

/** How many single kernels are kept; the one unused for longest goes first. */
const capacity = 1024;

/** A fault in the code that calls the backend, never in a user's program: not a `NeuralodeError`. */
class InternalError extends Error {
  constructor(what: string) {
    super(`simd backend: internal error: ${what}`);
    this.name = 'InternalError';
  }
}

const primitives = new Map<string, Primitive>(plainPrimitives.map((each) => [each.name, each]));

/** Programs of one kernel, made at their first use. */
class SingleKernels {
  readonly #device: Device;
  readonly #known = new Map<string, Program>();

  constructor(device: Device) {
    this.#device = device;
  }

  get(
    name: string,
    operands: readonly KernelOperand[],
    attrs: unknown,
    outputs: readonly Spec[],
  ): Program {
    const specs = [...operands, ...outputs].map(({ shape, dtype }) => `${dtype}[${shape}]`);
    const key = `${name} ${specs.join(' ')} ${attrsKey(attrs)}`;
    let program = this.#known.get(key);
    if (program === undefined) {
      const primitive = primitives.get(name);
      if (primitive === undefined) throw unknownPrimitive(name);
      const inputs = operands.map((spec) => new Value(spec));
      const results = outputs.map((spec) => new Value(spec));
      const node = { primitive, inputs, attrs, outputs: results };
      const graph = { inputs, nodes: [node], outputs: results };
      program = new Program(graph, this.#device);
    }
    // put last: a Map keeps insertion order, so the first is the one unused for longest
    this.#known.delete(key);
    this.#known.set(key, program);
    if (this.#known.size > capacity) this.#known.delete(this.#known.keys().next().value as string);
    return program;
  }
}

/** Attributes as text; numbers kept apart that JSON does not. */
function attrsKey(attrs: unknown): string {
  if (attrs === undefined) return '';
  return JSON.stringify(attrs, (_, value) =>
    typeof value === 'number' ? (Object.is(value, -0) ? '-0' : String(value)) : value,
  );
}

function unknownPrimitive(name: string): BackendError {
  return new BackendError({
    what: `The simd backend has no kernel for the primitive '${name}'`,
    expected: [...primitives.keys()].join(', '),
    remedy:
      'Add one in @neuralode/backend-simd, or give the primitive a `run` of its own made of smaller ones',
  });
}

function requireLimit(bytes: number): void {
  if (bytes >= 2 ** 20) return;
  throw new ArgumentError({
    what: 'simd: memoryLimit out of range',
    got: String(bytes),
    expected: 'bytes, 1 MiB (1048576) or more',
  });
}

function requireThreads(threads: number): void {
  if (Number.isSafeInteger(threads) && threads >= 1 && threads <= mostThreads) return;
  throw new ArgumentError({
    what: 'simd: number of threads',
    got: String(threads),
    expected: `a whole number from 1 to ${mostThreads}`,
  });
}

/**
 * The backend of compiled programs: float32, float64, int32 and bool. Every call gives one with a memory
 * of its own. Throws a BackendError where the engine has no WebAssembly SIMD.
 */
export function simd({
  floatDType = 'float32',
  memoryLimit = mostBytes,
  threads: wanted = 1,
}: SimdOptions = {}): SimdBackend {
  requireSimd();
  requireLimit(memoryLimit);
  requireThreads(wanted);
  const fused = hasFusedMultiplyAdd();
  const threads = hasThreads() ? wanted : 1;
  const heap = new Heap(Math.min(memoryLimit, mostBytes), threads > 1);
  const crew = threads > 1 ? new Crew(heap, threads) : undefined;
  const device = { heap, fused, ...(crew && { crew }) };
  const kernels = new SingleKernels({ heap, fused });
  const explained: Explained[] = [];
  const blockOf = (handle: Handle, deed: string): HeapBlock => {
    if (!(handle instanceof HeapBlock) || handle.heap !== heap) {
      throw new InternalError(`${deed} of a handle that this backend did not give`);
    }
    if (!handle.live) throw new InternalError(`${deed} of a freed buffer`);
    return handle;
  };
  return {
    name: 'simd',
    dtypes: ['float32', 'float64', 'int32', 'bool'],
    floatDType,
    fused,
    threads,
    upload(data, shape, dtype) {
      if (data.length !== sizeOf(shape) || dtypeOf(data) !== dtype) {
        throw new InternalError(`upload of ${dtypeOf(data)}[${data.length}] as ${dtype}[${shape}]`);
      }
      const block = heap.block(data.length, dtype);
      heap.view(block).set(data);
      return block;
    },
    read: async (handle) => heap.view(blockOf(handle, 'read')).slice(),
    readSync: (handle) => heap.view(blockOf(handle, 'read')).slice(),
    free: (handle) => heap.free(blockOf(handle, 'free')),
    run(primitive, operands, attrs, outputs) {
      const blocks = operands.map(({ handle }) => blockOf(handle, primitive));
      return kernels.get(primitive, operands, attrs, outputs).run(blocks);
    },
    compile(graph: Graph): Graph {
      const start = performance.now();
      const result = compileGraph(graph, device);
      explained.push({ fusion: result.fusion, milliseconds: performance.now() - start });
      if (explained.length > 32) explained.shift();
      return result.graph;
    },
    explain: () => explain(explained, { threads, wanted, scratchBytes: heap.scratch.bytes }),
    memory: () => heap.use(),
    resetPeak: () => heap.resetPeak(),
    dispose() {
      crew?.dispose();
      heap.dispose();
    },
  };
}
