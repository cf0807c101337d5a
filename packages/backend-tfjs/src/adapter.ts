/**
 * Makes a `Backend` out of an initialised tfjs backend: uploads, reads and frees through its storage, and runs each
 * primitive by the kernel that the table names.
 */
import type { Backend, Handle, HostArray, KernelOperand, Spec } from '@neuralode/tensor';
import {
  BackendError,
  DTypeError,
  dtypeOf,
  hostArray,
  sizeOf,
  toHostArray,
} from '@neuralode/tensor';
import type { BackendValues } from '@tensorflow/tfjs-core';
import type { Block, Buffer, DeviceDType } from './block.ts';
import { convolutions, convolvePadded } from './convolution.ts';
import { elementwise } from './elementwise.ts';
import type { KernelTable, Result } from './kernel.ts';
import { Ledger } from './ledger.ts';
import { linear } from './linear.ts';
import { moves } from './moves.ts';
import { type Device, Workbench } from './workbench.ts';

export interface TfjsBackendOptions extends Device {
  /** Whether `readSync` works without a wait; false for a GPU that has to be waited for. */
  readonly readsSync: boolean;
  /** Whether the device keeps the arrays it is given, or hands out its own: then each is copied on the way. */
  readonly sharesArrays: boolean;
  /** Kernels in place of the shared ones, for what this device lacks, has wrong, or does faster. */
  readonly overrides?: KernelTable;
}

/** How each primitive runs where a device has nothing better. */
export const sharedKernels: KernelTable = {
  ...elementwise,
  ...moves,
  ...linear,
  ...convolutions(convolvePadded),
};

const dtypes: readonly DeviceDType[] = ['float32', 'int32', 'bool'];

export function tfjsBackend(options: TfjsBackendOptions): Backend {
  const { name, device } = options;
  const ledger = new Ledger();
  const bench = new Workbench(options, ledger);
  const kernels: KernelTable = { ...sharedKernels, ...options.overrides };

  const own = ({ storage, dtype }: Block): Buffer => {
    ledger.addBuffer();
    return { storage, dtype, freed: false };
  };

  const write = (data: HostArray, shape: readonly number[], dtype: DeviceDType): Block => {
    const dataId = device.write(data as BackendValues, shape as number[], dtype);
    return bench.adopt({ dataId, shape: shape as number[], dtype });
  };

  const work = (primitive: string, inputs: readonly Block[], attrs: unknown, out: Result) => {
    const kernel = kernels[primitive];
    if (kernel === undefined) throw missing(name, primitive);
    // tfjs kernels differ on tensors without elements: what they must give is known without them
    if (sizeOf(out.shape) === 0) return write(hostArray(out.dtype, 0), out.shape, out.dtype);
    const isEmpty = inputs.length > 0 && inputs.every((input) => sizeOf(input.shape) === 0);
    if (isEmpty) return bench.filled(0, out.shape, out.dtype);
    return kernel(bench, inputs, attrs as never, out);
  };

  // a cast that moves no element, or a device's own width of booleans, gives an array of another type
  const owned = (values: HostArray, dtype: DeviceDType): HostArray => {
    if (dtypeOf(values) !== dtype) return toHostArray(dtype, values);
    return options.sharesArrays ? values.slice() : values;
  };

  const backend: Backend = {
    name,
    dtypes,
    floatDType: 'float32',
    upload(data, shape, dtype) {
      const known = deviceDType(name, dtype);
      const values = options.sharesArrays ? data.slice() : data;
      return own(bench.keepResult(() => write(values, shape, known)));
    },
    async read(handle) {
      const { storage, dtype } = living(name, handle);
      return owned((await device.read(storage.dataId)) as HostArray, dtype);
    },
    free(handle) {
      const buffer = living(name, handle);
      buffer.freed = true;
      ledger.dropBuffer();
      bench.release(buffer.storage);
    },
    run(primitive, operands, attrs, outputs) {
      const inputs = operands.map((operand) => asBlock(name, operand));
      const out = resultOf(name, primitive, outputs);
      return [own(bench.keepResult(() => work(primitive, inputs, attrs, out)))];
    },
    memory: () => ledger.use,
    resetPeak: () => ledger.resetPeak(),
  };
  if (!options.readsSync) return backend;
  return {
    ...backend,
    readSync(handle) {
      const { storage, dtype } = living(name, handle);
      return owned(device.readSync(storage.dataId) as HostArray, dtype);
    },
  };
}

function living(name: string, handle: Handle): Buffer {
  const buffer = handle as Buffer;
  if (!buffer.freed) return buffer;
  throw new BackendError({ what: `${name}: a buffer is used after it was freed` });
}

function asBlock(name: string, { handle, shape, dtype }: KernelOperand): Block {
  const { storage } = living(name, handle);
  return { dataId: storage.dataId, shape: shape as number[], dtype: dtype as DeviceDType, storage };
}

function resultOf(name: string, primitive: string, outputs: readonly Spec[]): Result {
  const [{ shape, dtype }] = outputs;
  if (outputs.length === 1) return { shape, dtype: deviceDType(name, dtype) };
  throw missing(name, primitive);
}

function deviceDType(name: string, dtype: Spec['dtype']): DeviceDType {
  const known = dtypes.find((each) => each === dtype);
  if (known !== undefined) return known;
  throw new DTypeError({
    what: `${name}: no such element type on this device`,
    got: dtype,
    expected: dtypes.join(', '),
    remedy: 'Convert to float32, or compute on the reference backend',
  });
}

function missing(name: string, primitive: string): BackendError {
  return new BackendError({
    what: `${name}: no kernel for the primitive ${primitive}`,
    remedy: 'Compute this part on another backend, or add a kernel to the backend package',
  });
}
