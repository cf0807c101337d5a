/**
 * Times that a step must end on, whatever the control would rather do: `stepAt`, and `jumpAt` where the field is not
 * continuous.
 *
 * Across a discontinuity no stage may look: the step before ends a rounding short of it, and the next one begins a
 * rounding after it, with its first stage evaluated afresh. Between the two the state stands still, for so short a time
 * that its rounding hides it.
 */
import { ArgumentError } from '@neuralode/tensor';
import { isList, shown } from './call.ts';

export interface StopTimes {
  readonly stepAt?: readonly number[];
  readonly jumpAt?: readonly number[];
}

/** Where steps end; the next begins at `resume`. */
export interface Stop {
  readonly at: number;
  readonly resume: number;
  /** Whether the first stage is evaluated afresh. */
  readonly fresh: boolean;
}

/** How many roundings of the largest time a stop keeps from a discontinuity. */
const margin = 2;

/** The stops of a solve from `from` to `to`, in its order; `epsilon` is the rounding of times as the field sees them. */
export function stopsBetween(
  { stepAt = [], jumpAt = [] }: StopTimes,
  from: number,
  to: number,
  epsilon: number,
): Stop[] {
  const direction = to >= from ? 1 : -1;
  const gap = margin * epsilon * Math.max(Math.abs(from), Math.abs(to)) * direction;
  const inside = (t: number): boolean => (t - from) * direction >= 0 && (to - t) * direction >= 0;
  const clamp = (t: number): number => (inside(t) ? t : (t - from) * direction < 0 ? from : to);
  const jumps = jumpAt
    .filter(inside)
    .map((t) => ({ at: clamp(t - gap), resume: clamp(t + gap), fresh: true }));
  const near = (t: number): boolean =>
    jumps.some(({ at, resume }) => (t - at) * direction >= 0 && (resume - t) * direction >= 0);
  const steps = stepAt
    .filter((t) => inside(t) && t !== from && t !== to && !near(t))
    .map((t) => ({ at: t, resume: t, fresh: false }));
  const sorted = [...jumps, ...steps].sort((a, b) => (a.at - b.at) * direction);
  return joined(sorted, direction);
}

/** Stops that overlap, such as two discontinuities a rounding apart, are one: time does not run back between them. */
function joined(sorted: readonly Stop[], direction: 1 | -1): Stop[] {
  const stops: Stop[] = [];
  for (const stop of sorted) {
    const last = stops.at(-1);
    if (last === undefined || (stop.at - last.resume) * direction > 0) {
      stops.push(stop);
      continue;
    }
    const further = (stop.resume - last.resume) * direction > 0;
    const resume = further ? stop.resume : last.resume;
    stops[stops.length - 1] = { at: last.at, resume, fresh: last.fresh || stop.fresh };
  }
  return stops;
}

/** Checks the lists, as given by a user; leaves out what is empty. */
export function stopTimesOf(options: object, who: string): StopTimes | undefined {
  const { stepAt, jumpAt } = options as StopTimes;
  for (const [name, times] of Object.entries({ stepAt, jumpAt })) {
    if (times === undefined) continue;
    if (isList(times) && Array.from(times).every(Number.isFinite)) continue;
    throw new ArgumentError({
      what: `${who}: ${name} must be a list of finite times`,
      got: shown(times),
      remedy: `Pass such as { ${name}: [1, 2.5] }, or leave it out`,
    });
  }
  if ((stepAt ?? []).length + (jumpAt ?? []).length === 0) return undefined;
  return { ...(stepAt && { stepAt: [...stepAt] }), ...(jumpAt && { jumpAt: [...jumpAt] }) };
}
