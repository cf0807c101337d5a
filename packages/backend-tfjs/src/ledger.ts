/**
 * What one backend holds, counted by us: tfjs reports what is live for all users of a device together, and no peak.
 */
import type { MemoryUse } from '@neuralode/tensor';

export class Ledger {
  #buffers = 0;
  #bytes = 0;
  #peak = 0;

  addBuffer(): void {
    this.#buffers++;
  }

  dropBuffer(): void {
    this.#buffers--;
  }

  addBytes(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > this.#peak) this.#peak = this.#bytes;
  }

  dropBytes(bytes: number): void {
    this.#bytes -= bytes;
  }

  resetPeak(): void {
    this.#peak = this.#bytes;
  }

  get use(): MemoryUse {
    return { liveBuffers: this.#buffers, liveBytes: this.#bytes, peakBytes: this.#peak };
  }
}
