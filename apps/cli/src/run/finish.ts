/** The end of a run: summary and report written, one line said. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { exitCodes } from '../failure.ts';
import type { RunFlags } from '../options.ts';
import type { Terminal } from '../terminal.ts';
import { writeWhole } from './atomic-file.ts';
import type { Evaluations, IterationMetrics } from './metrics-log.ts';
import { type RunFolder, runFiles } from './run-folder.ts';
import type { CommandName } from './run-record.ts';

/** What every `summary.json` holds; each command adds its own figures. */
export interface Summary {
  readonly command: CommandName;
  readonly backend: string;
  readonly solver: string;
  /** Of training. */
  readonly seconds: number;
  readonly iterations: number;
  /** Evaluations of the field in an iteration, on average. */
  readonly nfe: Evaluations;
}

export interface Outcome {
  readonly summary: Summary;
  readonly report: string;
  /** The figures in one line. */
  readonly line: string;
}

export async function finishRun(
  folder: RunFolder,
  { summary, report, line }: Outcome,
  { json }: RunFlags,
  { stdout }: Terminal,
): Promise<number> {
  const at = (name: string) => join(folder.path, name);
  await writeWhole(at(runFiles.report), report);
  // last: a summary says that the run is complete
  await writeWhole(at(runFiles.summary), `${JSON.stringify(summary, null, 2)}\n`);
  const told = { ...summary, folder: folder.path, report: at(runFiles.report) };
  const address = pathToFileURL(at(runFiles.report)).href;
  stdout.write(
    json ? `${JSON.stringify(told)}\n` : `${line}\nreport: ${at(runFiles.report)} (${address})\n`,
  );
  return exitCodes.success;
}

/** Evaluations of an iteration, on average over a run. */
export function meanEvaluations(metrics: readonly IterationMetrics[]): Evaluations {
  const mean = (pass: keyof Evaluations) =>
    Math.round(metrics.reduce((sum, { nfe }) => sum + nfe[pass], 0) / Math.max(1, metrics.length));
  return { forward: mean('forward'), backward: mean('backward') };
}
