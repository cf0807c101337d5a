/** What a person sees while a run trains: a bar on a terminal, a line now and then elsewhere. */
import type { IterationMetrics } from '../run/metrics-log.ts';
import { barProgress } from './bar.ts';
import { lineProgress } from './lines.ts';

export interface Progress {
  start(total: number, done: number): void;
  update(metrics: IterationMetrics): void;
  /** A remark that must not tear the bar apart. */
  say(line: string): void;
  stop(): void;
}

export function createProgress(stream: NodeJS.WriteStream, title: string): Progress {
  return stream.isTTY ? barProgress(stream, title) : lineProgress(stream, title);
}
