/**
 * `wasm()`: the tfjs WASM module as a neuralode backend, with our own kernels where its are wrong or slow.
 */
import { tfjsBackend } from '@neuralode/backend-tfjs';
import type { Backend } from '@neuralode/tensor';
import { broadcasts } from './broadcasts.ts';
import { startDevice, type WasmUrls } from './device.ts';
import { elementwise } from './elementwise.ts';
import { Heap } from './heap.ts';
import { linear } from './linear.ts';
import { matMul } from './mat-mul.ts';
import { reductions } from './reductions.ts';
import { slices } from './slices.ts';

export interface WasmOptions {
  /** Where to fetch the module: needed in bundled browser code, of no use in Node. */
  readonly urls?: WasmUrls;
}

/** A `Backend` that says what it found. */
export interface WasmBackend extends Backend {
  /** Whether the engine has 128-bit SIMD. Without, results are the same and everything is several times slower. */
  readonly simd: boolean;
}

/**
 * Starts the WASM backend. Every call shares one module and one heap, and counts its own buffers.
 */
export async function wasm(options: WasmOptions = {}): Promise<WasmBackend> {
  const { device, kernels, ids, simd } = await startDevice(options.urls);
  const heap = new Heap(device);
  const backend = tfjsBackend({
    name: 'wasm',
    tfName: 'wasm',
    device,
    readsSync: true,
    sharesArrays: false,
    overrides: {
      ...elementwise(kernels, heap),
      ...broadcasts(kernels, heap),
      ...reductions(kernels, heap),
      ...linear(kernels, heap),
      ...slices(kernels, heap),
      matMul: matMul(kernels, heap, ids),
    },
  });
  return { ...backend, simd };
}
