/** Many measurements in one process, each on a memory of its own. */
import { checkpointOf, restore } from '@neuralode/nn';
import { disposeTree, getBackend, setBackend } from '@neuralode/tensor';
import { useBackend } from '../backend.ts';
import type { BackendName } from '../options.ts';

/**
 * Calls `work` with a copy of the parameters on a backend of its own. Compiled programs keep their memory until they are
 * collected as garbage, which may be never: one backend would be full after some dozens. The others hold none.
 */
export async function onFreshBackend<P, R>(
  name: BackendName,
  params: P,
  work: (params: P) => Promise<R>,
): Promise<R> {
  if (name !== 'simd') return work(params);
  const tensors = await checkpointOf(params);
  const before = getBackend();
  await useBackend(name);
  try {
    const own = restore(params, { tensors });
    const result = await work(own);
    disposeTree(own);
    return result;
  } finally {
    await setBackend(before);
  }
}
