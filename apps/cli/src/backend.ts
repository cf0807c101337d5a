/** The devices that `--backend` names. */
import { reference } from '@neuralode/backend-reference';
import { setBackend } from '@neuralode/tensor';
import type { BackendName } from './options.ts';

/** Starts a backend and makes it the current one. */
export async function useBackend(name: BackendName): Promise<void> {
  if (name === 'reference') {
    await setBackend(reference());
    return;
  }
  // only now: starting a module takes a moment that --help should not cost
  if (name === 'simd') {
    const { simd } = await import('@neuralode/backend-simd');
    await setBackend(simd());
    return;
  }
  if (name === 'node-gpu') {
    const { nodeGpu } = await import('@neuralode/backend-node-gpu');
    const backend = nodeGpu();
    await setBackend(backend);
    const { note } = await backend;
    if (note !== undefined) process.stderr.write(`${note}\n`);
    return;
  }
  const { wasm } = await import('@neuralode/backend-wasm');
  await setBackend(wasm());
}

/** As the report names it. */
export const backendTitles: Readonly<Record<BackendName, string>> = {
  wasm: 'wasm (WebAssembly, float32)',
  simd: 'simd (fused WebAssembly programs, float32)',
  'node-gpu': 'node-gpu (TensorFlow, float32)',
  reference: 'reference (plain TypeScript, float64)',
};
