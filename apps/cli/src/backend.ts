/** The devices that `--backend` names. */
import { reference } from '@neuralode/backend-reference';
import { setBackend } from '@neuralode/tensor';
import { InputError } from './failure.ts';
import type { BackendName } from './options.ts';

/** Starts a backend and makes it the current one; `threads` are those of simd. */
export async function useBackend(name: BackendName, threads = 1): Promise<void> {
  if (threads > 1 && name !== 'simd') {
    throw new InputError(
      `--threads ${threads}: only --backend simd shares its work among threads.`,
    );
  }
  if (name === 'reference') {
    await setBackend(reference());
    return;
  }
  // only now: starting a module takes a moment that --help should not cost
  if (name === 'simd') {
    const { simd } = await import('@neuralode/backend-simd');
    await setBackend(simd({ threads }));
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
