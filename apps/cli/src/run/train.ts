/** Runs a training to its end, or to Ctrl-C, leaving metrics and checkpoints that a later run can continue from. */
import { join } from 'node:path';
import type { Progress } from '../progress/progress.ts';
import { writeWhole } from './atomic-file.ts';
import { type IterationMetrics, MetricsLog } from './metrics-log.ts';
import { runFiles } from './run-folder.ts';
import type { Training } from './training.ts';

/** A killed run loses this much work, and an iteration, at most. */
const checkpointEveryMs = 2_000;

export interface TrainOptions {
  readonly folder: string;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

export interface Trained {
  /** Whether it was stopped before its end. */
  readonly stopped: boolean;
  /** Of training, interruptions left out. */
  readonly seconds: number;
  readonly metrics: readonly IterationMetrics[];
}

export async function train(training: Training, options: TrainOptions): Promise<Trained> {
  const { folder, progress, signal } = options;
  const log = await MetricsLog.open(join(folder, runFiles.metrics), training.done);
  const checkpoints = new Checkpoints(training, join(folder, runFiles.checkpoint));
  const begun = performance.now() - log.seconds * 1000;
  progress.start(training.iterations, training.done);
  try {
    await training.run(signal, async (iteration) => {
      const seconds = Number(((performance.now() - begun) / 1000).toFixed(3));
      const metrics = { ...iteration, seconds };
      log.append(metrics);
      progress.update(metrics);
      await checkpoints.saveNowAndThen();
    });
    await checkpoints.save();
  } finally {
    progress.stop();
    log.close();
  }
  const stopped = training.done < training.iterations;
  return { stopped, seconds: log.seconds, metrics: log.lines };
}

/**
 * Checkpoints, now and then. Parameters are written once an iteration from them has gone well: those that an update has
 * carried to where loss or solve fail are never written over such as can be gone on with.
 */
class Checkpoints {
  readonly #training: Training;
  readonly #file: string;
  /** The first is due at once. */
  #takenAt = Number.NEGATIVE_INFINITY;
  /** Taken, and not yet gone on from. */
  #taken: Uint8Array | undefined;
  readonly #begunAt: number;

  constructor(training: Training, file: string) {
    this.#training = training;
    this.#file = file;
    this.#begunAt = training.done;
  }

  /** After an iteration. */
  async saveNowAndThen(): Promise<void> {
    if (this.#taken !== undefined) {
      await writeWhole(this.#file, this.#taken);
      this.#taken = undefined;
    }
    if (performance.now() - this.#takenAt < checkpointEveryMs) return;
    this.#taken = await this.#training.checkpoint();
    this.#takenAt = performance.now();
  }

  /** At the end, unless nothing has happened. */
  async save(): Promise<void> {
    if (this.#training.done === this.#begunAt) return;
    await writeWhole(this.#file, await this.#training.checkpoint());
  }
}
