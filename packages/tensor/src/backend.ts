/**
 * What a device must be able to do: hold buffers, and run primitives on them.
 *
 * A backend knows nothing of gradients, solvers or models. A buffer is a row-major block of elements behind a handle
 * that only its backend understands; shapes travel beside the handle, so `reshape` never reaches a backend.
 * `conformance` in this package's `./conformance` door holds a backend against the reference one.
 */
import type { DType, FloatDType, HostArray, Spec } from './dtype.ts';
import { BackendError } from './errors.ts';
import type { Graph } from './graph.ts';

/** A device's own name for a buffer. */
export type Handle = unknown;

/** One argument of a kernel. */
export interface Operand {
  readonly handle: Handle;
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** What a device holds now and has held at most since the last `resetPeak`. */
export interface MemoryUse {
  readonly liveBuffers: number;
  readonly liveBytes: number;
  readonly peakBytes: number;
}

export interface Backend {
  /** What a user calls it: `wasm`, `reference`. */
  readonly name: string;
  /** Element types that it can hold and compute with. */
  readonly dtypes: readonly DType[];
  /** Element type of a tensor made from plain numbers. */
  readonly floatDType: FloatDType;

  /** Copies host memory to the device. `data` stays the caller's. */
  upload(data: HostArray, shape: readonly number[], dtype: DType): Handle;
  /** Copies a buffer to host memory that the caller owns. */
  read(handle: Handle): Promise<HostArray>;
  /** The same without waiting; left out by a device that cannot. */
  readSync?(handle: Handle): HostArray;
  free(handle: Handle): void;
  /**
   * Runs one primitive (by its name, see primitives.ts) on borrowed operands; returns one fresh handle per output,
   * owned by the caller and sharing no memory with an operand that a later `free` of it could pull away.
   */
  run(
    primitive: string,
    operands: readonly Operand[],
    attrs: unknown,
    outputs: readonly Spec[],
  ): Handle[];
  /**
   * A graph with the same inputs and outputs that this backend runs faster, where it has a way: nodes taken together
   * into ones of its own. For graphs that run again and again.
   */
  compile?(graph: Graph): Graph;
  memory(): MemoryUse;
  /** Sets the peak to what is live now. */
  resetPeak(): void;

  /** Gives the device back. */
  dispose?(): void;
}

let current: Backend | undefined;

/**
 * Makes `backend` the one on which new tensors are made. Tensors of another backend keep living on theirs.
 * Takes a promise too, so that `await setBackend(wasm())` is all a program needs.
 */
export async function setBackend(backend: Backend | Promise<Backend>): Promise<Backend> {
  current = await backend;
  return current;
}

/** The backend on which new tensors are made. */
export function getBackend(): Backend {
  if (current === undefined) {
    throw new BackendError({
      what: 'No backend is set, so there is no device to compute on',
      remedy:
        'Call `await setBackend(reference())` (@neuralode/backend-reference) or `await setBackend(wasm())` (@neuralode/backend-wasm) first',
    });
  }
  return current;
}

/** What the current backend (or the one given) holds. */
export function memory(backend: Backend = getBackend()): MemoryUse {
  return backend.memory();
}
