/** What the fused runtime gained: an iteration as one program, beside the same iteration kernel by kernel. */
import { disposeTree, getBackend, setBackend } from '@neuralode/tensor';
import { useBackend } from '../backend.ts';
import type { FitOptions } from '../options.ts';
import { showFigure } from '../report/numbers.ts';
import type { IterationMetrics } from '../run/metrics-log.ts';
import { FitModel } from './fit-model.ts';
import type { Fitted } from './fit-outcome.ts';
import { FitTraining } from './fit-training.ts';
import { cutSegments } from './segments.ts';

/** Iterations done again, the first of which only records. */
const again = 6;
/** With which simd makes an iteration one program. */
const compiled: readonly FitOptions['gradient'][] = ['direct', 'backsolve'];
/** Where kernels are slow, fewer are enough. */
const longestMs = 2_000;

/** A sentence; nothing of a run that was not computed so, or was too short to tell. */
export async function gainText(fitted: Fitted, training: FitTraining): Promise<string | undefined> {
  const { metrics } = fitted.trained;
  const { backend, gradient } = fitted.options;
  const isOne = backend === 'simd' && compiled.includes(gradient);
  if (!isOne || metrics.length < 2 * again) return undefined;
  const fused = milliseconds(metrics.slice(-(metrics.length >> 1)));
  const own = getBackend();
  const checkpoint = await training.checkpoint();
  await useBackend('wasm');
  try {
    const apart = await kernelByKernel(fitted, training.done, checkpoint);
    return (
      `simd computes an iteration as one program, in ${showFigure(fused)} ms; kernel by kernel (--backend wasm) ` +
      `it takes ${showFigure(apart)} ms, ${showFigure(apart / fused)} times as long`
    );
  } finally {
    await setBackend(own);
  }
}

/** Of an iteration, on average. */
function milliseconds(metrics: readonly IterationMetrics[]): number {
  const [first, last] = [metrics[0]!, metrics.at(-1)!];
  return (1000 * (last.seconds - first.seconds)) / (metrics.length - 1);
}

/** Milliseconds of an iteration from a checkpoint on: the shortest. */
async function kernelByKernel(
  { series, options }: Fitted,
  done: number,
  checkpoint: Uint8Array,
): Promise<number> {
  const segments = cutSegments(series);
  const longer = { ...options, epochs: done + again };
  const training = new FitTraining(
    new FitModel(series, segments, options),
    segments,
    longer,
    checkpoint,
  );
  const begun = performance.now();
  const stop = new AbortController();
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
