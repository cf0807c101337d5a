/**
 * `nodeGpu()`: TensorFlow's own runtime in Node as a neuralode backend, on a CUDA card or on TensorFlow's CPU kernels.
 */
import { tfjsBackend } from '@neuralode/backend-tfjs';
import type { Backend } from '@neuralode/tensor';
import { startDevice, tfName } from './device.ts';
import { kernels, registerOwnKernels } from './kernels.ts';

/** A `Backend` that says what it found. */
export interface NodeGpuBackend extends Backend {
  /** Whether TensorFlow computes on a CUDA card. */
  readonly gpu: boolean;
  /**
   * How often the program has waited for TensorFlow since it started: reads of buffers, through any backend of this
   * kind, and those that a kernel makes on its own (gather looks at its indices).
   */
  reads(): number;
  /** One sentence for a person, where there is no card to compute on. */
  readonly note?: string;
}

const withoutCard =
  'node-gpu: TensorFlow found no CUDA card that it can use, and runs on its CPU kernels. Set TF_CPP_MIN_LOG_LEVEL=0 to see why.';

/**
 * Starts TensorFlow. Every call shares one runtime, and counts its own buffers.
 *
 * @throws BackendError where @tensorflow/tfjs-node-gpu is not installed or does not load
 */
export async function nodeGpu(): Promise<NodeGpuBackend> {
  const { device, reads } = await startDevice();
  registerOwnKernels();
  const backend = tfjsBackend({
    name: 'node-gpu',
    tfName,
    device,
    readsSync: true,
    sharesArrays: true,
    keepsShapes: true,
    overrides: kernels,
  });
  const gpu = device.isUsingGpuDevice;
  return { ...backend, gpu, reads, ...(gpu ? {} : { note: withoutCard }) };
}
