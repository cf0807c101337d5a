/**
 * A block: one tensor on a tfjs device, as its kernels take and return it, plus who shares its memory.
 *
 * tfjs counts the owners of a `dataId`: a kernel that moves no element (Reshape, Identity on most devices) returns its
 * input's `dataId` with the count raised by one, and `disposeData` lowers it. So an output may share memory with an
 * operand and still outlive it. `Storage` mirrors that count, so that shared bytes are counted once.
 */
import type { DType } from '@neuralode/tensor';
import type { DataId, TensorInfo } from '@tensorflow/tfjs-core';

/** The element types that tfjs has: no float64. */
export type DeviceDType = Exclude<DType, 'float64'>;

/** Memory on the device, and how many blocks lie in it. */
export interface Storage {
  readonly dataId: DataId;
  readonly bytes: number;
  /** The shape in which it was made; blocks may see it in others. */
  readonly shape: readonly number[];
  owners: number;
}

/** What a kernel of ours takes and returns. */
export interface Block extends TensorInfo {
  readonly dtype: DeviceDType;
  readonly storage: Storage;
}

/** What the contract calls a handle. */
export interface Buffer {
  readonly storage: Storage;
  readonly dtype: DeviceDType;
  freed: boolean;
}

/** The same elements seen in another shape; costs nothing, and owns nothing. */
export function viewAs(block: Block, shape: readonly number[]): Block {
  return {
    dataId: block.dataId,
    shape: shape as number[],
    dtype: block.dtype,
    storage: block.storage,
  };
}
