/**
 * The reference backend's memory: typed arrays behind handles that know when they have been freed, and the count of
 * what is live.
 */
import type { Handle, HostArray, MemoryUse } from '@neuralode/tensor';

/** A fault in the code that calls the backend (the executor), never in a user's program: not a `NeuralodeError`. */
export class InternalError extends Error {
  constructor(what: string) {
    super(`reference backend: internal error: ${what}`);
    this.name = 'InternalError';
  }
}

class Buffer {
  readonly store: BufferStore;
  data: HostArray | undefined;

  constructor(store: BufferStore, data: HostArray) {
    this.store = store;
    this.data = data;
  }
}

export class BufferStore {
  #liveBuffers = 0;
  #liveBytes = 0;
  #peakBytes = 0;

  /** A handle on `data`, which from now on is the store's. */
  hold(data: HostArray): Handle {
    this.#liveBuffers++;
    this.#liveBytes += data.byteLength;
    this.#peakBytes = Math.max(this.#peakBytes, this.#liveBytes);
    return new Buffer(this, data);
  }

  /** What the handle stands for; not a copy. */
  data(handle: Handle): HostArray {
    return this.#live(handle, 'use').data as HostArray;
  }

  free(handle: Handle): void {
    const buffer = this.#live(handle, 'free');
    this.#liveBuffers--;
    this.#liveBytes -= (buffer.data as HostArray).byteLength;
    buffer.data = undefined;
  }

  memory(): MemoryUse {
    return {
      liveBuffers: this.#liveBuffers,
      liveBytes: this.#liveBytes,
      peakBytes: this.#peakBytes,
    };
  }

  resetPeak(): void {
    this.#peakBytes = this.#liveBytes;
  }

  #live(handle: Handle, deed: string): Buffer {
    if (!(handle instanceof Buffer) || handle.store !== this) {
      throw new InternalError(`${deed} of a handle that this backend did not give`);
    }
    if (handle.data === undefined) throw new InternalError(`${deed} of a freed buffer`);
    return handle;
  }
}
