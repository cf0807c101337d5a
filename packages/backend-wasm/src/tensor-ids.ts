/**
 * Numbers under which the module knows its tensors, given out again once they are free.
 *
 * tfjs counts them up for ever, two for each output, and the module keeps the low 32 bits: a training that runs for
 * hours would meet the numbers of its own first tensors again, and silently write into them.
 */
import type { DeviceDType } from '@neuralode/backend-tfjs';
import { bytesPerElement, sizeOf } from '@neuralode/tensor';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { DataId } from '@tensorflow/tfjs-core';
import type { WasmModule } from './device.ts';

export class TensorIds {
  readonly #free: number[] = [];
  #next: number;

  constructor(first: number) {
    this.#next = first;
  }

  take(): number {
    return this.#free.pop() ?? this.#next++;
  }

  give(id: number): void {
    this.#free.push(id);
  }
}

/** The parts of tfjs' device in which numbers are taken and dropped. */
interface Numbered {
  dataIdNextNumber: number;
  readonly dataIdMap: { set(dataId: DataId, data: TensorData): void };
  write(values: ArrayBufferView | null, shape: number[], dtype: DeviceDType): DataId;
  move(
    dataId: DataId,
    values: ArrayBufferView | null,
    shape: number[],
    dtype: DeviceDType,
    refCount: number,
  ): void;
}

interface TensorData {
  readonly id: number;
  readonly memoryOffset: number;
  readonly shape: number[];
  readonly dtype: DeviceDType;
  readonly refCount: number;
}

/** Kernels that allocate in the module still count upwards; from here they meet none of ours. */
const elsewhere = 2 ** 31;

/** Makes `device` take its numbers from the ones given out here. */
export function reuseIds(device: BackendWasm, module: WasmModule): TensorIds {
  const numbered = device as unknown as Numbered;
  const { tfjs } = module;
  const ids = new TensorIds(numbered.dataIdNextNumber);
  numbered.dataIdNextNumber = elsewhere;
  numbered.move = (dataId, values, shape, dtype, refCount) => {
    const size = sizeOf(shape);
    const bytes = size * bytesPerElement(dtype);
    const memoryOffset = module._malloc(bytes) >>> 0;
    const id = ids.take();
    numbered.dataIdMap.set(dataId, { id, memoryOffset, shape, dtype, refCount });
    tfjs.registerTensor(id, size, memoryOffset);
    if (values === null) return;
    module.HEAPU8.set(new Uint8Array(values.buffer, values.byteOffset, bytes), memoryOffset);
  };
  numbered.write = (values, shape, dtype) => {
    const dataId = {};
    numbered.move(dataId, values, shape, dtype, 1);
    return dataId;
  };
  const dispose = tfjs.disposeData;
  tfjs.disposeData = (id) => {
    dispose(id);
    if (id < elsewhere) ids.give(id);
  };
  return ids;
}
