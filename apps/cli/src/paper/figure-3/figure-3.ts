/**
 * The paper's figure 3, from one trained ODE-Net: (a) numerical error and (b) time against forward evaluations, (c)
 * backward against forward evaluations, (d) forward evaluations by epoch.
 */
import { join } from 'node:path';
import type { OdenetParams } from '@neuralode/odenet';
import { type MnistRun, readDigitSets } from '../../mnist/mnist-run.ts';
import type { MnistOptions, PaperOptions } from '../../options.ts';
import { runsFolder } from '../../run/run-folder.ts';
import type { Terminal } from '../../terminal.ts';
import { keptRun, requiredData, usualMnist } from '../kept-run.ts';
import type { ResultPage } from '../page.ts';
import { type BackwardSolve, backwardSolves } from './backward-solves.ts';
import { byPartOfEpoch, figure3Page } from './figure-3-page.ts';
import { type ForwardSolve, forwardSolves } from './forward-solves.ts';

const usualChannels = 16;
const usualEpochs = 5;

/** What the figure is drawn from. */
export interface Figure3 {
  readonly options: Pick<MnistOptions, 'seed' | 'backend' | 'threads' | 'channels' | 'epochs'>;
  readonly testAccuracy: number;
  readonly trainingSeconds: number;
  readonly forward: readonly ForwardSolve[];
  readonly backward: readonly BackwardSolve[];
  readonly training: ReturnType<typeof byPartOfEpoch>;
}

/** Undefined where the training was stopped. */
export async function figure3(
  options: PaperOptions,
  terminal: Terminal,
): Promise<ResultPage | undefined> {
  const { channels = usualChannels, epochs = usualEpochs, backend, threads = 1, seed } = options;
  const data = requiredData(options);
  const digits = await readDigitSets(data);
  const path = options.runs ?? join(runsFolder, 'figure-3');
  const settings = { ...usualMnist, backend, data, channels, epochs, seed };
  const run = await keptRun(path, settings, digits, terminal);
  if (run === undefined) return undefined;
  return figure3Page(await measured(run, { seed, backend, threads, channels, epochs }, terminal));
}

async function measured(
  { training, trained, digits }: MnistRun,
  options: Figure3['options'],
  { stderr }: Terminal,
): Promise<Figure3> {
  const { channels } = options;
  const params = training.params as OdenetParams;
  stderr.write('forward solves by tolerance\n');
  const forward = await forwardSolves(params, channels, digits.test);
  const backward = await backwardSolves({ params, channels, test: digits.test }, (way) =>
    stderr.write(`backward solves by tolerance: ${way}\n`),
  );
  return {
    options,
    testAccuracy: trained.metrics.at(-1)?.testAccuracy ?? Number.NaN,
    trainingSeconds: trained.seconds,
    forward,
    backward,
    training: byPartOfEpoch(trained.metrics, training.perEpoch),
  };
}
