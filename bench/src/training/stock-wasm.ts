/** TensorFlow.js' WASM backend with its own kernels only, where `wasm()` puts faster ones in their place. */
import { tfjsBackend } from '@neuralode/backend-tfjs';
import { wasm } from '@neuralode/backend-wasm';
import type { Backend } from '@neuralode/tensor';
// biome-ignore lint/style/noRestrictedImports: tfjs is what is measured here
import { engine, type KernelBackend } from '@tensorflow/tfjs-core';

export async function stockWasm(): Promise<Backend> {
  // starts the module that both share
  await wasm();
  return tfjsBackend({
    name: 'tfjs',
    tfName: 'wasm',
    device: engine().registry.wasm as KernelBackend,
    readsSync: true,
    sharesArrays: false,
  });
}
