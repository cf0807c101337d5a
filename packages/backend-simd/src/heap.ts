/** The backend's memory: one WebAssembly memory, handed out in blocks behind handles that know when they were freed. */
import {
  BackendError,
  bytesPerElement,
  type DType,
  type HostArray,
  type MemoryUse,
} from '@neuralode/tensor';
import { Arena } from './arena.ts';
import type { Stretch } from './free-stretches.ts';
import { Scratch } from './scratch.ts';

const pageBytes = 65536;
/** 4 GiB, less a page: the limit of 32-bit addresses. */
export const mostBytes = 65535 * pageBytes;

/** Extents are rounded up to a few sizes, so that a block freed fits the next of about its size. */
function roomFor(bytes: number): number {
  if (bytes <= 4096) return Math.max(32, Math.ceil(bytes / 32) * 32);
  const step = 2 ** (Math.floor(Math.log2(bytes)) - 3);
  return Math.ceil(bytes / step) * step;
}

/** Of a program: takes the addresses of its blocks and of what it works in. */
export type MainFunction = (...addresses: number[]) => void;

/** A block that was handed out. */
export class HeapBlock {
  readonly heap: Heap;
  readonly address: number;
  readonly bytes: number;
  readonly dtype: DType;
  readonly size: number;
  live = true;

  constructor(heap: Heap, address: number, bytes: number, dtype: DType, size: number) {
    this.heap = heap;
    this.address = address;
    this.bytes = bytes;
    this.dtype = dtype;
    this.size = size;
  }
}

export class Heap {
  /** The most pages that the memory may have, where threads share it. */
  readonly sharedPages: number | undefined;
  readonly scratch: Scratch;
  readonly #mostPages: number;
  #memory: WebAssembly.Memory | undefined;
  /** By program. They hold the memory: kept here, so that they go with it. */
  #mains = new WeakMap<object, MainFunction>();
  readonly #arena = new Arena();
  /** Addresses of blocks that were freed, by size: the next of that size has them at once. */
  readonly #freed = new Map<number, number[]>();
  #liveBuffers = 0;
  #liveBytes = 0;
  #peakBytes = 0;

  /**
   * @param limit bytes that the memory may grow to
   * @param shared whether threads share it
   */
  constructor(limit: number, shared: boolean) {
    this.#mostPages = Math.floor(limit / pageBytes);
    this.sharedPages = shared ? this.#mostPages : undefined;
    this.#memory = new WebAssembly.Memory({
      initial: Math.min(16, this.#mostPages),
      maximum: this.#mostPages,
      shared,
    });
    this.scratch = new Scratch(this);
    // address 0 is no block's
    this.#arena.take(64);
  }

  get memory(): WebAssembly.Memory {
    return this.#memory ?? disposed();
  }

  /** Keeps the main function of a program that works on this memory. */
  bind(program: object, main: MainFunction): void {
    this.#mains.set(program, main);
  }

  main(program: object): MainFunction {
    return this.#mains.get(program) ?? disposed();
  }

  get disposed(): boolean {
    return this.#memory === undefined;
  }

  /** Lets go of the memory, and of all that is in it. */
  dispose(): void {
    this.#memory = undefined;
    this.#mains = new WeakMap();
    this.#freed.clear();
    this.#liveBuffers = 0;
    this.#liveBytes = 0;
    this.#peakBytes = 0;
  }

  /** Address of `bytes` of memory, a multiple of 16. */
  take(bytes: number): number {
    const room = roomFor(bytes);
    return this.#freed.get(room)?.pop() ?? this.takeStretch(room);
  }

  give(address: number, bytes: number): void {
    const room = roomFor(bytes);
    const list = this.#freed.get(room);
    if (list === undefined) this.#freed.set(room, [address]);
    else list.push(address);
  }

  /**
   * Address of `bytes`, a multiple of 16. The memory grows only where freed blocks, put together, have no room for them, and
   * is full only where what programs leave idle has none.
   */
  takeStretch(bytes: number): number {
    const at = this.#fit(bytes);
    if (at !== undefined) return at;
    this.#gather();
    const gathered = this.#fit(bytes, true);
    if (gathered !== undefined) return gathered;
    this.scratch.release();
    const released = this.#fit(bytes, true);
    if (released !== undefined) return released;
    throw this.#full(bytes);
  }

  giveStretches(stretches: readonly Stretch[]): void {
    this.#arena.giveAll(stretches);
  }

  /** Gives freed blocks back, so that those that touch become one. */
  #gather(): void {
    const freed = [...this.#freed].flatMap(([bytes, list]) => list.map((at) => ({ at, bytes })));
    this.#freed.clear();
    this.#arena.giveAll(freed);
  }

  /** Address of `bytes` in the memory as it is, or as it can be made. */
  #fit(bytes: number, grows = false): number | undefined {
    const at = this.#arena.take(bytes);
    const end = at + bytes;
    if (end <= this.memory.buffer.byteLength || (grows && this.#growTo(end))) return at;
    this.#arena.give(at, bytes);
    return undefined;
  }

  #growTo(end: number): boolean {
    const has = this.memory.buffer.byteLength;
    // half as much again, so that growing is rare
    const wanted = Math.min(this.#mostPages, Math.ceil(Math.max(end, 1.5 * has) / pageBytes));
    try {
      this.memory.grow(Math.max(wanted, Math.ceil(end / pageBytes)) - has / pageBytes);
      return true;
    } catch {
      return false;
    }
  }

  #full(bytes: number): BackendError {
    const limit = this.#mostPages * pageBytes;
    return new BackendError({
      what: 'simd: out of memory',
      got: `${this.#liveBytes} bytes in use, ${bytes} more asked for`,
      expected:
        limit < mostBytes
          ? `at most ${limit} bytes in all, the memoryLimit of this backend`
          : 'at most 4 GB in all, the limit of a WebAssembly memory',
      remedy: 'Use a smaller batch, or a gradient that stores less (backsolve)',
    });
  }

  /** A block for a tensor's elements, not yet set. */
  block(size: number, dtype: DType): HeapBlock {
    const bytes = size * bytesPerElement(dtype);
    const address = this.take(bytes);
    this.#liveBuffers++;
    this.#liveBytes += bytes;
    this.#peakBytes = Math.max(this.#peakBytes, this.#liveBytes);
    return new HeapBlock(this, address, bytes, dtype, size);
  }

  free(block: HeapBlock): void {
    block.live = false;
    // tensors may outlive the memory that they were in
    if (this.disposed) return;
    this.#liveBuffers--;
    this.#liveBytes -= block.bytes;
    this.give(block.address, block.bytes);
  }

  /** The elements where they lie; good until the memory grows. */
  view({ address, dtype, size }: HeapBlock): HostArray {
    const { buffer } = this.memory;
    switch (dtype) {
      case 'float32':
        return new Float32Array(buffer, address, size);
      case 'float64':
        return new Float64Array(buffer, address, size);
      case 'int32':
        return new Int32Array(buffer, address, size);
      case 'bool':
        return new Uint8Array(buffer, address, size);
    }
  }

  /** Counts what a program works in, and what it has no more: bytes, but no tensor's buffer. */
  count(bytes: number): void {
    this.#liveBytes += bytes;
    this.#peakBytes = Math.max(this.#peakBytes, this.#liveBytes);
  }

  use(): MemoryUse {
    return {
      liveBuffers: this.#liveBuffers,
      liveBytes: this.#liveBytes,
      peakBytes: this.#peakBytes,
    };
  }

  resetPeak(): void {
    this.#peakBytes = this.#liveBytes;
  }
}

function disposed(): never {
  throw new BackendError({
    what: 'simd: a backend was used after dispose()',
    remedy: 'Make another one: await setBackend(simd())',
  });
}
