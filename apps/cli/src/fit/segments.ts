/**
 * Multiple shooting: a long series is cut into segments of equal duration, each with a learned start, solved side by
 * side as one batch. A single path through hundreds of rows has a loss so rugged that training gets stuck; the paths of
 * segments are short, and a penalty on the gaps between them makes one path of them in the end (Bock and Plitt 1984).
 * A short series is one segment.
 */
import type { Series } from './series.ts';

export interface Segments {
  readonly count: number;
  /** Of each segment, in the model's time. */
  readonly duration: number;
  /** Times since the segment's start at which the batch is observed; the first is 0, the last `duration`. */
  readonly grid: readonly number[];
  /** [grid, segment, column]: observed values, 0 where there is none. */
  readonly targets: Float64Array;
  /** 1 where there is one. */
  readonly mask: Float64Array;
  /** Row r is observed at place[r] = [grid index, segment]. */
  readonly places: readonly (readonly [number, number])[];
}

/** Rows in a segment, about. */
const usualRows = 48;

export function cutSegments(series: Series): Segments {
  const { trainRows, spacing } = series;
  const times = series.times.subarray(0, trainRows);
  const total = times.at(-1)!;
  const count = Math.max(1, Math.ceil((trainRows - 1) / usualRows));
  // a multiple of the usual spacing, so that evenly spaced rows stand at the same places in all segments
  const duration = count === 1 ? total : Math.ceil(total / count / spacing - 1e-9) * spacing;
  const used = Math.max(1, Math.ceil(total / duration - 1e-9));
  const inSegment = (time: number) => Math.min(used - 1, Math.floor(time / duration + 1e-9));
  const key = (time: number) => Math.round((time / spacing) * 1e6);
  const relative = Array.from(times, (time) => Math.max(0, time - inSegment(time) * duration));
  const byKey = new Map([0, ...relative, duration].map((time) => [key(time), time]));
  const keys = [...byKey.keys()].sort((a, b) => a - b);
  const index = new Map(keys.map((each, i) => [each, i]));
  const places = relative.map(
    (time, row) => [index.get(key(time))!, inSegment(times[row]!)] as const,
  );
  const grid = keys.map((each) => byKey.get(each)!);
  return { count: used, duration, grid, places, ...observe(series, places, grid.length, used) };
}

function observe(
  { values, scales }: Series,
  places: Segments['places'],
  gridSize: number,
  count: number,
): Pick<Segments, 'targets' | 'mask'> {
  const columns = scales.length;
  const targets = new Float64Array(gridSize * count * columns);
  const mask = new Float64Array(targets.length);
  for (const [row, [at, segment]] of places.entries()) {
    for (const [c, value] of values[row]!.entries()) {
      if (Number.isNaN(value)) continue;
      const cell = (at * count + segment) * columns + c;
      targets[cell] = value;
      mask[cell] = 1;
    }
  }
  return { targets, mask };
}

/** The known value of each column nearest to the start of each segment: where training begins. */
export function firstStarts(series: Series, { count, duration }: Segments): Float64Array {
  const columns = series.scales.length;
  const starts = new Float64Array(count * columns);
  for (let segment = 0; segment < count; segment++) {
    for (let c = 0; c < columns; c++) {
      starts[segment * columns + c] = nearestValue(series, c, segment * duration);
    }
  }
  return starts;
}

function nearestValue({ times, values, trainRows }: Series, column: number, time: number): number {
  let nearest = 0;
  let distance = Number.POSITIVE_INFINITY;
  for (let row = 0; row < trainRows; row++) {
    const value = values[row]![column]!;
    const away = Math.abs(times[row]! - time);
    if (Number.isNaN(value) || away >= distance) continue;
    nearest = value;
    distance = away;
  }
  return nearest;
}
