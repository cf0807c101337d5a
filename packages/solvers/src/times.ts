/**
 * What a list of observation times must be.
 */
import { ArgumentError } from '@neuralode/tensor';
import { shown } from './call.ts';

/** Throws unless there are two or more finite times, all increasing or all decreasing. `of` says whose they are. */
export function requireTimes(
  times: readonly number[],
  { who = 'odeint', of = '' }: { who?: string; of?: string } = {},
): void {
  if (times.length < 2) {
    throw new ArgumentError({
      what: `${who}: a solve needs at least two times, the first being that of y0`,
      got: `${times.length}${of}`,
      remedy: 'Pass [start, end], or all times of interest',
    });
  }
  const bad = times.findIndex((time) => !Number.isFinite(time));
  if (bad >= 0) {
    throw new ArgumentError({
      what: `${who}: time ${bad}${of} is not a finite number`,
      got: shown(times[bad]),
      remedy: 'Pass finite numbers; to run until something happens use a terminal event',
    });
  }
  const direction = Math.sign(times[1] - times[0]);
  const turn = times.findIndex((time, i) => i > 0 && Math.sign(time - times[i - 1]) !== direction);
  const broken = direction === 0 ? 1 : turn;
  if (broken > 0) {
    throw new ArgumentError({
      what: `${who}: times${of} must be strictly increasing or strictly decreasing`,
      got: `${times[broken - 1]} before ${times[broken]} at index ${broken}`,
      remedy: 'Sort them, and leave out what is equal',
    });
  }
}
