/**
 * Brings up the tfjs WASM backend, once for the whole program: its kernels are bound to one module and one heap.
 */
import { BackendError } from '@neuralode/tensor';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { engine, env, registerBackend, removeBackend, setBackend } from '@tensorflow/tfjs-core';
import { loadKernels, type OwnKernels } from './kernels.ts';
import { reuseIds, type TensorIds } from './tensor-ids.ts';

/** Where a browser fetches the module from. Node finds it in the installed package. */
export interface WasmUrls {
  /** URL of `tfjs-backend-wasm-simd.wasm`. */
  readonly simd: string;
  /** URL of `tfjs-backend-wasm.wasm`, for engines without SIMD. */
  readonly plain: string;
}

/** The part of the emscripten module that we touch (its own types come without an export). */
export interface WasmModule {
  readonly asm: Readonly<Record<string, unknown>> & { readonly memory: WebAssembly.Memory };
  readonly HEAPU8: Uint8Array;
  _malloc(bytes: number): number;
  _free(address: number): void;
  /** Numbers of tensors, and for each of the first two the address and length of its shape. */
  _BatchMatMul(
    a: number,
    aShape: number,
    aRank: number,
    b: number,
    bShape: number,
    bRank: number,
    transposeA: number,
    transposeB: number,
    out: number,
  ): void;
  readonly tfjs: {
    registerTensor(id: number, size: number, address: number): void;
    disposeData: (id: number) => void;
  };
}

const tfName = 'wasm';
const addressSpace = 2 ** 32;
let starting: Promise<Started> | undefined;

/** The device, our kernels on its heap, and what the engine can do. */
export interface Started {
  readonly device: BackendWasm;
  readonly kernels: OwnKernels;
  readonly ids: TensorIds;
  readonly simd: boolean;
}

/** The initialised device. Later calls get the same one, or the same failure: tfjs cannot start its module twice. */
export function startDevice(urls: WasmUrls | undefined): Promise<Started> {
  starting ??= start(urls)
    .then(withKernels)
    .catch((cause) => {
      throw notStarted(urls, cause);
    });
  return starting;
}

async function withKernels(device: BackendWasm): Promise<Started> {
  const simd = await env().getAsync('WASM_HAS_SIMD_SUPPORT');
  const module = device.wasm as unknown as WasmModule;
  refuseToOverrun(module);
  const kernels = await loadKernels(module.asm.memory, simd === true);
  return { device, kernels, ids: reuseIds(device, module), simd: simd === true };
}

async function start(urls: WasmUrls | undefined): Promise<BackendWasm> {
  // the threaded build hangs at its start in cross-origin-isolated pages that were bundled, and is off in Node anyway
  env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  const running = engine().registry[tfName];
  if (running !== undefined) return running as BackendWasm;
  if (urls !== undefined) {
    setWasmPaths({
      'tfjs-backend-wasm.wasm': urls.plain,
      'tfjs-backend-wasm-simd.wasm': urls.simd,
      'tfjs-backend-wasm-threaded-simd.wasm': urls.simd,
    });
  }
  // tfjs' own start catches the reason of a failure, prints it and forgets it, so its factory is called here
  const { factory, priority } = engine().registryFactory[tfName];
  const device = (await factory()) as BackendWasm;
  await register(device, priority);
  return device;
}

/** Hands the device to tfjs, which lets its kernels bind to it, and leaves tfjs' current backend as it was. */
async function register(device: BackendWasm, priority: number): Promise<void> {
  const before = engine().backendName;
  removeBackend(tfName);
  registerBackend(tfName, () => device, priority);
  await setBackend(tfName);
  if (before !== undefined && before !== '') await setBackend(before);
}

/** tfjs does not look at what malloc returns: where the heap is full it would write to address 0. */
function refuseToOverrun(wasm: WasmModule): void {
  // emscripten puts the real function in place at the first call
  wasm._free(wasm._malloc(1));
  const allocate = wasm._malloc;
  wasm._malloc = (bytes: number) => {
    const address = bytes < addressSpace ? allocate(bytes) : 0;
    if (address !== 0 || bytes === 0) return address;
    throw new BackendError({
      what: 'wasm: out of memory',
      got: `a request for ${bytes} bytes`,
      expected: 'at most 4 GB in all, the limit of a WebAssembly heap',
      remedy: 'Use a smaller batch, or a gradient that stores less (backsolve)',
    });
  };
}

function notStarted(urls: WasmUrls | undefined, cause: unknown): BackendError {
  const reason = cause instanceof Error ? cause.message : (cause as { message?: string })?.message;
  const place = urls === undefined ? 'beside the script' : `at ${urls.simd}`;
  return new BackendError(
    {
      what: `wasm: the WebAssembly module of tfjs did not start (${reason ?? 'no reason given'})`,
      remedy:
        `In a browser, serve tfjs-backend-wasm-simd.wasm and tfjs-backend-wasm.wasm (looked for ${place}) and pass ` +
        'their addresses: `wasm({ urls: { simd, plain } })`; in Node, reinstall @tensorflow/tfjs-backend-wasm. ' +
        'Then start the program anew',
    },
    { cause },
  );
}
