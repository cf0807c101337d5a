/**
 * Where a primitive is worked out: calls tfjs kernels on the device and keeps track of every block they make.
 *
 * A kernel of ours may call as many tfjs kernels as it likes and need free nothing: when it returns, every block made
 * on the bench except its result is given back. tfjs' own engine (tape, tidy, profiler) is not involved.
 */
import { BackendError, bytesPerElement, sameShape, sizeOf, toHostArray } from '@neuralode/tensor';
import type {
  BackendValues,
  KernelBackend,
  KernelFunc,
  NamedAttrMap,
  NamedTensorInfoMap,
  TensorInfo,
} from '@tensorflow/tfjs-core';
import { getKernel } from '@tensorflow/tfjs-core';
import type { Block, DeviceDType, Storage } from './block.ts';
import type { Ledger } from './ledger.ts';

/** Inputs of a tfjs kernel: by name, or a list for those that take any number. */
export type KernelInputs = Readonly<Record<string, Block>> | readonly Block[];

/** What a bench must know of the device that it works on. */
export interface Device {
  /** What a user calls it. */
  readonly name: string;
  /** The name under which tfjs registered the backend and its kernels: `wasm`, `tensorflow`, `webgpu`. */
  readonly tfName: string;
  /** The tfjs backend, initialised. */
  readonly device: KernelBackend;
  /**
   * Whether the device notes the shape of a buffer when it makes it, and goes by that whatever shape a kernel's input
   * is said to have. Then a view is told to it by a Reshape, which must move no element. Default false.
   */
  readonly keepsShapes?: boolean;
}

export class Workbench {
  readonly device: KernelBackend;
  readonly #backendName: string;
  readonly #tfName: string;
  readonly #ledger: Ledger;
  readonly #keepsShapes: boolean;
  readonly #functions = new Map<string, KernelFunc>();
  #made: Block[] = [];

  constructor(options: Device, ledger: Ledger) {
    this.device = options.device;
    this.#backendName = options.name;
    this.#tfName = options.tfName;
    this.#keepsShapes = options.keepsShapes ?? false;
    this.#ledger = ledger;
  }

  /** Runs one tfjs kernel that has one output. */
  call(kernelName: string, inputs: KernelInputs, attrs: object = {}): Block {
    let run = this.#functions.get(kernelName);
    if (run === undefined) run = this.#find(kernelName);
    if (this.#keepsShapes) return this.#callReshaped(run, inputs, attrs);
    return this.adopt(this.#run(run, inputs, attrs), inputs);
  }

  /** A one-element block, for kernels that mix a tensor with a number. */
  number(value: number, dtype: DeviceDType = 'float32'): Block {
    const data = toHostArray(dtype, [value]) as BackendValues;
    return this.adopt({ dataId: this.device.write(data, [], dtype), shape: [], dtype });
  }

  filled(value: number, shape: readonly number[], dtype: DeviceDType): Block {
    return this.call('Fill', {}, { shape, value, dtype });
  }

  /** Takes charge of a block that a device's own kernel made; `inputs` are those whose memory it may share. */
  adopt(info: TensorInfo, inputs: KernelInputs = []): Block {
    const storage = this.#sharedStorage(info, inputs) ?? this.#newStorage(info);
    const block: Block = {
      dataId: info.dataId,
      shape: info.shape,
      dtype: info.dtype as DeviceDType,
      storage,
    };
    this.#made.push(block);
    return block;
  }

  /** Works out `make` and keeps of all that it made only what it returns. */
  keepResult(make: () => Block): Block {
    const before = this.#made;
    this.#made = [];
    try {
      const result = make();
      const owned = this.#made.findIndex((block) => block.storage === result.storage);
      if (owned >= 0) this.#made.splice(owned, 1);
      else this.#share(result);
      return result;
    } finally {
      for (const block of this.#made) this.release(block.storage);
      this.#made = before;
    }
  }

  /** Gives up one ownership of `storage`, and its memory with the last one. */
  release(storage: Storage): void {
    this.device.disposeData(storage.dataId);
    storage.owners--;
    if (storage.owners === 0) this.#ledger.dropBytes(storage.bytes);
  }

  /** An operand returned as it is: one more owner, which is what tfjs' Identity does. */
  #share(block: Block): void {
    this.device.incRef(block.dataId);
    block.storage.owners++;
  }

  #run(kernel: KernelFunc, inputs: KernelInputs, attrs: object): TensorInfo {
    return kernel({
      inputs: inputs as NamedTensorInfoMap,
      attrs: attrs as NamedAttrMap,
      backend: this.device,
    }) as TensorInfo;
  }

  /** Calls a kernel with each view among its inputs made the device's own; those hold no memory, and end here. */
  #callReshaped(kernel: KernelFunc, inputs: KernelInputs, attrs: object): Block {
    const views: TensorInfo[] = [];
    const reshape = this.#functions.get('Reshape') ?? this.#find('Reshape');
    const asSeen = (block: Block): TensorInfo => {
      if (sameShape(block.shape, block.storage.shape)) return block;
      const view = this.#run(reshape, { x: block }, { shape: block.shape });
      views.push(view);
      return view;
    };
    try {
      const seen = Array.isArray(inputs)
        ? inputs.map(asSeen)
        : Object.fromEntries(Object.entries(inputs).map(([name, block]) => [name, asSeen(block)]));
      return this.adopt(this.#run(kernel, seen as KernelInputs, attrs), inputs);
    } finally {
      for (const { dataId } of views) this.device.disposeData(dataId);
    }
  }

  #sharedStorage(info: TensorInfo, inputs: KernelInputs): Storage | undefined {
    const list = Array.isArray(inputs) ? (inputs as readonly Block[]) : Object.values(inputs);
    for (const input of list) {
      if (input.dataId !== info.dataId) continue;
      input.storage.owners++;
      return input.storage;
    }
    return undefined;
  }

  #newStorage({ dataId, shape, dtype }: TensorInfo): Storage {
    const bytes = sizeOf(shape) * bytesPerElement(dtype as DeviceDType);
    this.#ledger.addBytes(bytes);
    return { dataId, bytes, shape, owners: 1 };
  }

  #find(kernelName: string): KernelFunc {
    const config = getKernel(kernelName, this.#tfName);
    if (config === undefined || config === null) {
      throw new BackendError({
        what: `${this.#backendName}: its tfjs backend has no kernel ${kernelName}`,
        remedy: 'Give the backend an override of the primitive that needs it',
      });
    }
    this.#functions.set(kernelName, config.kernelFunc);
    return config.kernelFunc;
  }
}
