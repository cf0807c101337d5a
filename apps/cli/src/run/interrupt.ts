/** Ctrl-C: the first asks the run to stop after its iteration, the second ends the process at once. */
import { exitCodes } from '../failure.ts';

export interface Interrupt {
  readonly signal: AbortSignal;
  /** Gives the signals back to Node. */
  release(): void;
}

/** Listens for SIGINT and SIGTERM; `say` tells the person that the wish was heard. */
export function listenForInterrupt(say: (line: string) => void): Interrupt {
  const controller = new AbortController();
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(exitCodes.stopped);
    controller.abort();
    say('stopping after this iteration (Ctrl-C again: at once)');
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return {
    signal: controller.signal,
    release() {
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
    },
  };
}
