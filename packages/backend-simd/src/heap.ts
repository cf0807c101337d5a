/** The backend's memory: one WebAssembly memory, handed out in blocks behind handles that know when they were freed. */
import {
  BackendError,
  type DType,
  type HostArray,
  hostArray,
  type MemoryUse,
} from '@neuralode/tensor';

const pageBytes = 65536;
/** 4 GiB, less a page: the limit of 32-bit addresses. */
export const mostBytes = 65535 * pageBytes;

/** Extents are rounded up to a few sizes, so that a block freed fits the next of about its size. */
function roomFor(bytes: number): number {
  if (bytes <= 4096) return Math.max(32, Math.ceil(bytes / 32) * 32);
  const step = 2 ** (Math.floor(Math.log2(bytes)) - 3);
  return Math.ceil(bytes / step) * step;
}

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
  readonly memory: WebAssembly.Memory;
  /** The most pages that the memory may have, where threads share it. */
  readonly sharedPages: number | undefined;
  readonly #mostPages: number;
  /** Freed addresses by size. */
  readonly #free = new Map<number, number[]>();
  /** Address 0 is no block's. */
  #top = 64;
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
    this.memory = new WebAssembly.Memory({
      initial: Math.min(16, this.#mostPages),
      maximum: this.#mostPages,
      shared,
    });
  }

  /** Address of `bytes` of memory, a multiple of 16. */
  take(bytes: number): number {
    const room = roomFor(bytes);
    const freed = this.#free.get(room)?.pop();
    if (freed !== undefined) return freed;
    const address = this.#top;
    this.#growTo(address + room);
    this.#top = address + room;
    return address;
  }

  give(address: number, bytes: number): void {
    const room = roomFor(bytes);
    const list = this.#free.get(room);
    if (list === undefined) this.#free.set(room, [address]);
    else list.push(address);
  }

  #growTo(end: number): void {
    const has = this.memory.buffer.byteLength;
    if (end <= has) return;
    // half as much again, so that growing is rare
    const wanted = Math.min(this.#mostPages, Math.ceil(Math.max(end, 1.5 * has) / pageBytes));
    try {
      this.memory.grow(Math.max(wanted, Math.ceil(end / pageBytes)) - has / pageBytes);
    } catch (cause) {
      throw new BackendError(
        {
          what: 'simd: out of memory',
          got: `${has} bytes in use, ${end - has} more asked for`,
          expected: this.#expected(),
          remedy: 'Use a smaller batch, or a gradient that stores less (backsolve)',
        },
        { cause },
      );
    }
  }

  #expected(): string {
    const limit = this.#mostPages * pageBytes;
    return limit < mostBytes
      ? `at most ${limit} bytes in all, the memoryLimit of this backend`
      : 'at most 4 GB in all, the limit of a WebAssembly memory';
  }

  /** A block for a tensor's elements, not yet set. */
  block(size: number, dtype: DType): HeapBlock {
    const bytes = size * hostArrayBytes(dtype);
    const address = this.take(bytes);
    this.#liveBuffers++;
    this.#liveBytes += bytes;
    this.#peakBytes = Math.max(this.#peakBytes, this.#liveBytes);
    return new HeapBlock(this, address, bytes, dtype, size);
  }

  free(block: HeapBlock): void {
    block.live = false;
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

  /** Counts memory that programs hold for themselves, or give back: bytes, but no tensor's buffer. */
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

function hostArrayBytes(dtype: DType): number {
  return hostArray(dtype, 0).BYTES_PER_ELEMENT;
}
