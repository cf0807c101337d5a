/**
 * Brings up TensorFlow's runtime, once for the whole program, out of an addon that a person may not have installed.
 */
import { BackendError } from '@neuralode/tensor';
import type { DataType, KernelBackend, TensorInfo } from '@tensorflow/tfjs-core';
import { findBackend, setBackend } from '@tensorflow/tfjs-core';

/** What tfjs' Node backend has beside its kernels. */
export interface NodeDevice extends KernelBackend {
  /** Whether TensorFlow found a CUDA device that it can use. */
  readonly isUsingGpuDevice: boolean;
  /** TensorFlow's own constants, by their C names. */
  readonly binding: { readonly TF_ATTR_TYPE: number };
  getDTypeInteger(dtype: DataType): number;
  /** Runs a TensorFlow operation that has one output. */
  executeSingleOutput(
    name: string,
    attrs: { name: string; type: number; value: unknown }[],
    inputs: TensorInfo[],
  ): TensorInfo;
}

/** The name under which the addon registers itself with tfjs. */
export const tfName = 'tensorflow';

// no literal in the import: the addon is a peer that may be absent, from compilers and bundlers too
const addon: string = '@tensorflow/tfjs-node-gpu';
let loading: Promise<Started> | undefined;

/** The device, and how often it was waited for. */
export interface Started {
  readonly device: NodeDevice;
  readonly reads: () => number;
}

/**
 * The initialised device. It stays tfjs' current backend, as the addon makes it: its kernels build small tensors by
 * tfjs' public functions, which would otherwise be made elsewhere and moved.
 */
export async function startDevice(): Promise<Started> {
  loading ??= load();
  const started = await loading;
  await setBackend(tfName);
  return started;
}

async function load(): Promise<Started> {
  quiet();
  restoreNodeFunctions();
  try {
    await import(addon);
  } catch (cause) {
    throw notStarted(cause);
  }
  const device = findBackend(tfName) as NodeDevice;
  return { device, reads: countReads(device) };
}

/** Each copy to the host waits for all that it depends on. Some kernels of tfjs make one too: gather looks at its indices. */
function countReads(device: NodeDevice): () => number {
  let reads = 0;
  const readSync = device.readSync.bind(device);
  device.readSync = (dataId) => {
    reads++;
    return readSync(dataId);
  };
  return () => reads;
}

interface NodeGlobals {
  readonly process?: {
    readonly env: Record<string, string | undefined>;
    getBuiltinModule?(name: string): unknown;
  };
}

/** TensorFlow tells on stderr what CPU it runs on. From level 2 on it is silent about all but errors. */
function quiet(): void {
  const { process } = globalThis as NodeGlobals;
  if (process !== undefined) process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
}

/** Node 23 took away a function of its `util` that the addon still calls. */
function restoreNodeFunctions(): void {
  const { process } = globalThis as NodeGlobals;
  const util = process?.getBuiltinModule?.('util') as Record<string, unknown> | undefined;
  if (util === undefined) return;
  util.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
}

/** What a person reads where the addon is absent, or there and broken. */
export function notStarted(cause: unknown): BackendError {
  const { code, message } = cause as { code?: string; message?: string };
  // Node's words, and those of Vite, which puts a module that throws in the place of an absent optional peer
  const notFound = code === 'ERR_MODULE_NOT_FOUND' || message?.startsWith('Could not resolve');
  const absent = notFound && message?.includes(addon);
  const reason = message?.split('\n')[0].replace(/[\s.:]+$/, '') ?? 'no reason given';
  return new BackendError(
    absent
      ? {
          what: `node-gpu: ${addon} is not installed, an optional package that brings TensorFlow to Node`,
          remedy: `Install it (npm install ${addon}), or compute with @neuralode/backend-wasm`,
        }
      : {
          what: `node-gpu: ${addon} did not load (${reason})`,
          remedy:
            `Reinstall it (npm rebuild ${addon}) or build its addon as the README of ` +
            '@neuralode/backend-node-gpu says; @neuralode/backend-wasm needs none',
        },
    { cause },
  );
}
