/** `metrics.jsonl`: one line an iteration, in order and without repetition, also over interruptions. */
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { writeWhole } from './atomic-file.ts';
import type { Iteration } from './training.ts';

/** Evaluations of the vector field. */
export interface Evaluations {
  readonly forward: number;
  readonly backward: number;
}

/** What is known after an iteration. */
export interface IterationMetrics extends Iteration {
  /** Seconds of training so far, interruptions left out. */
  readonly seconds: number;
}

export class MetricsLog {
  readonly #descriptor: number;
  readonly #lines: IterationMetrics[];

  private constructor(descriptor: number, lines: IterationMetrics[]) {
    this.#descriptor = descriptor;
    this.#lines = lines;
  }

  /** Opens the log to go on after `iteration`: later lines, which the checkpoint does not know, are dropped. */
  static async open(file: string, iteration: number): Promise<MetricsLog> {
    const kept = readMetrics(file).filter((line) => line.iteration <= iteration);
    await writeWhole(file, kept.map((line) => `${JSON.stringify(line)}\n`).join(''));
    return new MetricsLog(openSync(file, 'a'), kept);
  }

  get lines(): readonly IterationMetrics[] {
    return this.#lines;
  }

  /** Seconds of training behind the lines so far. */
  get seconds(): number {
    return this.#lines.at(-1)?.seconds ?? 0;
  }

  append(line: IterationMetrics): void {
    this.#lines.push(line);
    writeSync(this.#descriptor, `${JSON.stringify(line)}\n`);
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

/** The whole lines of a log; a half one, left by a killed run, ends it. */
export function readMetrics(file: string): IterationMetrics[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  const lines: IterationMetrics[] = [];
  for (const line of text.split('\n')) {
    const parsed = parseLine(line);
    if (parsed === undefined || parsed.iteration <= (lines.at(-1)?.iteration ?? 0)) break;
    lines.push(parsed);
  }
  return lines;
}

function parseLine(line: string): IterationMetrics | undefined {
  try {
    const parsed = JSON.parse(line) as IterationMetrics;
    return typeof parsed?.iteration === 'number' ? parsed : undefined;
  } catch {
    return undefined;
  }
}
