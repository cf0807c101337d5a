/**
 * The heap that tfjs' kernels and ours share: where a block lies, room for a result, and room for arguments that do not
 * fit in a call.
 */
import type { Block, Result, Workbench } from '@neuralode/backend-tfjs';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { DataStorage } from '@tensorflow/tfjs-core';
import type { WasmModule } from './device.ts';
import type { TensorIds } from './tensor-ids.ts';

/** A product [m, k] × [k, n]. */
export interface Extents {
  readonly m: number;
  readonly k: number;
  readonly n: number;
}

export class Heap {
  readonly #device: BackendWasm;
  readonly #module: WasmModule;
  #arguments = 0;
  #argumentBytes = 0;

  constructor(device: BackendWasm) {
    this.#device = device;
    this.#module = device.wasm as unknown as WasmModule;
  }

  /** Byte address of a block's first element. */
  at(block: Block): number {
    return this.#device.getMemoryOffset(block.dataId);
  }

  /** A block for a kernel's result, its elements not yet set. */
  result(bench: Workbench, { shape, dtype }: Result): Block {
    return bench.adopt(this.#device.makeOutput(shape as number[], dtype));
  }

  /** Elements of an int32 block, to look at and not to keep: the next allocation may move the heap. */
  integers(block: Block, count: number): Int32Array {
    return new Int32Array(this.#module.HEAPU8.buffer, this.at(block), count);
  }

  /** Room for `bytes` of arguments, good until the next call of this; `fill` writes them. */
  arguments(bytes: number, fill: (view: DataView) => void): number {
    if (bytes > this.#argumentBytes) {
      this.#module._free(this.#arguments);
      this.#argumentBytes = Math.max(1024, 2 * bytes);
      this.#arguments = this.#module._malloc(this.#argumentBytes) >>> 0;
    }
    fill(new DataView(this.#module.HEAPU8.buffer, this.#arguments, bytes));
    return this.#arguments;
  }

  /** The number under which the module knows a block. */
  idOf(block: Block): number {
    const { dataIdMap } = this.#device as unknown as { dataIdMap: DataStorage<{ id: number }> };
    return dataIdMap.get(block.dataId).id;
  }

  /**
   * One product by XNNPACK, of matrices at these addresses. `bId` names the right one where what is packed of it may be
   * kept until it is freed; else it is packed for this once.
   */
  multiply(
    ids: TensorIds,
    { m, k, n }: Extents,
    a: number,
    b: number,
    out: number,
    bId: number | undefined,
  ): void {
    const { tfjs } = this.#module;
    const named = (address: number, size: number): number => {
      const id = ids.take();
      tfjs.registerTensor(id, size, address);
      return id;
    };
    const aId = named(a, m * k);
    const rightId = bId ?? named(b, k * n);
    const outId = named(out, m * n);
    const shapes = this.arguments(24, (view) => {
      [1, m, k, 1, k, n].forEach((extent, i) => {
        view.setUint32(4 * i, extent, true);
      });
    });
    this.#module._BatchMatMul(aId, shapes, 3, rightId, shapes + 12, 3, 0, 0, outId);
    // drops the numbers, not the memory
    tfjs.disposeData(aId);
    if (bId === undefined) tfjs.disposeData(rightId);
    tfjs.disposeData(outId);
  }
}
