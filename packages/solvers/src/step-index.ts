/**
 * Finding the step that a time lies in, among steps in the order in which they were taken.
 */
import { ArgumentError } from '@neuralode/tensor';
import { isList, shown } from './call.ts';

/** The times at which a solution is to be evaluated, one or several; an ArgumentError where they are neither. */
export function requireTimesAsked(ts: unknown, who: string): number | readonly number[] {
  if (typeof ts === 'number') return ts;
  const times: readonly unknown[] = isList(ts) ? Array.from(ts) : [ts];
  const bad = times.findIndex((t) => typeof t !== 'number');
  if (bad < 0) return times as readonly number[];
  throw new ArgumentError({
    what: `${who}: a time must be a number`,
    got: shown(times[bad]),
    remedy: 'Pass one, or a list of them',
  });
}

/** A solve that fails before its first step has nothing to evaluate. */
export function requireSteps(count: number, who: string): void {
  if (count > 0) return;
  throw new ArgumentError({
    what: `${who}: the solve took no step that could be evaluated`,
    remedy: 'Look at its failure',
  });
}

/** Of the steps that end at `ends` and began at `start`: the one that holds `t`; at a boundary, the one that ends there. */
export function stepHolding(
  t: number,
  start: number,
  ends: readonly number[],
  direction: 1 | -1,
  who: string,
): number {
  const end = ends.at(-1) ?? start;
  const inside = (t - start) * direction >= 0 && (end - t) * direction >= 0;
  if (!inside) {
    throw new ArgumentError({
      what: `${who}: the solution is known from t = ${start} to t = ${end} only`,
      got: `t = ${t}`,
      remedy: 'Solve further, or evaluate inside',
    });
  }
  let low = 0;
  let high = ends.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ends[middle] - t) * direction >= 0) high = middle;
    else low = middle + 1;
  }
  return low;
}
