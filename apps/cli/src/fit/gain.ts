/** What the fused runtime gained: an iteration as one program, beside the same iteration kernel by kernel. */
import { disposeTree, getBackend, setBackend } from '@neuralode/tensor';
import { useBackend } from '../backend.ts';
import type { FitOptions } from '../options.ts';
import { showFigure } from '../report/numbers.ts';
import { FitModel } from './fit-model.ts';
import type { Fitted } from './fit-outcome.ts';
import { FitTraining } from './fit-training.ts';
import { cutSegments } from './segments.ts';

/** Iterations done again either way: the first ones record, compile, and compile once more. */
const again = 30;
/** Where kernels are slow, fewer are enough. */
const longestMs = 1_000;
/** With which simd makes an iteration one program. */
const compiled: readonly FitOptions['gradient'][] = ['direct', 'backsolve'];

/** A sentence; nothing of a run that was not computed so. */
export async function gainText(fitted: Fitted, training: FitTraining): Promise<string | undefined> {
  const { backend, gradient } = fitted.options;
  if (backend !== 'simd' || !compiled.includes(gradient)) return undefined;
  const checkpoint = await training.checkpoint();
  const fused = await shortestIteration(fitted, training.done, checkpoint);
  const own = getBackend();
  await useBackend('wasm');
  try {
    const apart = await shortestIteration(fitted, training.done, checkpoint);
    return (
      `simd computes an iteration as one program, in ${showFigure(fused)} ms; kernel by kernel (--backend wasm) ` +
      `it takes ${showFigure(apart)} ms, ${showFigure(apart / fused)} times as long`
    );
  } finally {
    await setBackend(own);
  }
}

/** Milliseconds of an iteration on the current backend, from a checkpoint on. */
async function shortestIteration(
  { series, options }: Fitted,
  done: number,
  checkpoint: Uint8Array,
): Promise<number> {
  const segments = cutSegments(series);
  const model = new FitModel(series, segments, options);
  const longer = { ...options, epochs: done + again };
  const training = new FitTraining(model, segments, longer, checkpoint);
  const stop = new AbortController();
  const begun = performance.now();
  let before = begun;
  let shortest = Number.POSITIVE_INFINITY;
  await training.run(stop.signal, async () => {
    const now = performance.now();
    shortest = Math.min(shortest, now - before);
    before = now;
    if (now - begun > longestMs) stop.abort();
  });
  disposeTree(training.params);
  return shortest;
}
