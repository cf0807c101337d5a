/** Progress for logs and pipes: the first iteration, one line every few seconds, and the last. */
import type { Progress } from './progress.ts';
import { Remaining } from './remaining.ts';
import { describeIteration, showDuration } from './wording.ts';

const pauseMs = 5_000;

export function lineProgress(stream: NodeJS.WritableStream, title: string): Progress {
  let total = 0;
  let remaining = new Remaining(0);
  let last = Number.NEGATIVE_INFINITY;
  return {
    start(iterations) {
      total = iterations;
      remaining = new Remaining(iterations);
    },
    update(metrics) {
      const now = performance.now();
      const left = remaining.after(metrics.iteration, now);
      if (metrics.iteration < total && now - last < pauseMs) return;
      last = now;
      const time = left === undefined ? '' : ` · ${showDuration(left)} left`;
      const place = `${title} ${metrics.iteration}/${total}`;
      stream.write(`${place}${time} · ${describeIteration(metrics)}\n`);
    },
    say(line) {
      stream.write(`${line}\n`);
    },
    stop() {},
  };
}
