/** The bar of a terminal, by cli-progress. */
import cliProgress from 'cli-progress';
import type { Progress } from './progress.ts';
import { Remaining } from './remaining.ts';
import { describeIteration, showDuration } from './wording.ts';

const barWidth = 24;

export function barProgress(stream: NodeJS.WriteStream, title: string): Progress {
  let remaining = new Remaining(0);
  const bar = new cliProgress.SingleBar({
    stream,
    hideCursor: true,
    // the run stops the bar itself, after the iteration at hand
    gracefulExit: false,
    format: (_options, { value, total, progress }, payload: { text?: string }) => {
      const full = Math.round(progress * barWidth);
      const drawn = '█'.repeat(full) + '░'.repeat(barWidth - full);
      return `${title} ${drawn} ${value}/${total} ${payload.text ?? ''}`;
    },
  });
  return {
    start(total, done) {
      remaining = new Remaining(total);
      bar.start(total, done, { text: '' });
    },
    update(metrics) {
      const left = remaining.after(metrics.iteration, performance.now());
      const time = left === undefined ? '' : `· ${showDuration(left)} left `;
      bar.update(metrics.iteration, { text: `${time}· ${describeIteration(metrics)}` });
    },
    say(line) {
      stream.write(`\n${line}\n`);
    },
    stop() {
      bar.stop();
    },
  };
}
