/** What the trained model says: values at the table's rows, smooth curves for drawing, and the field. */
import { getBackend, type Tensor, tensor } from '@neuralode/tensor';
import type { FitModel, FitParams } from './fit-model.ts';
import { fromModel, toModel } from './scaling.ts';
import type { Segments } from './segments.ts';
import type { Series } from './series.ts';

/** A path in the table's time and units. */
export interface Path {
  readonly times: readonly number[];
  /** One row a time, one value a column. */
  readonly values: readonly (readonly number[])[];
}

export interface Forecast {
  /** One row a row of the table; the rows after the training come from the last segment's path. */
  readonly rows: readonly (readonly number[])[];
  /** One smooth path a segment, the last one to the end of the table. */
  readonly paths: readonly Path[];
}

/** Points of all curves together, about. */
const curvePoints = 600;

export async function forecast(
  model: FitModel,
  params: FitParams,
  series: Series,
  segments: Segments,
): Promise<Forecast> {
  const last = segments.count - 1;
  const lastStart = last * segments.duration;
  const end = series.times.at(-1)!;
  const perSegment = Math.max(24, Math.round((curvePoints * segments.duration) / end));
  const fine = merged(even(segments.duration, perSegment), segments.grid);
  const trained = await solveAll(model, params, params.starts, fine, series);
  const ahead = Array.from(series.times.subarray(series.trainRows), (time) => time - lastStart);
  const lastCount = Math.max(48, Math.round((curvePoints * (end - lastStart)) / end));
  const far = merged(even(end - lastStart, lastCount), ahead);
  const lastRow = params.starts.slice([last, 0], [1, -1]);
  const beyond = await solveAll(model, params, lastRow, far, series);
  const at = new Map(fine.map((time, i) => [time, i]));
  const farAt = new Map(far.map((time, i) => [time, i]));
  const rows = [
    ...segments.places.map(([g, segment]) => trained[segment]![at.get(segments.grid[g]!)!]!),
    ...ahead.map((time) => beyond[0]![farAt.get(time)!]!),
  ];
  const tableTimes = (times: readonly number[], start: number) =>
    times.map((time) => series.table.times[0]! + (time + start) * series.unit);
  const paths = trained.slice(0, last).map((values, segment) => ({
    times: tableTimes(fine, segment * segments.duration),
    values,
  }));
  return { rows, paths: [...paths, { times: tableTimes(far, lastStart), values: beyond[0]! }] };
}

function even(end: number, count: number): number[] {
  return Array.from({ length: count + 1 }, (_, i) => (end * i) / count);
}

/** Both lists in one, increasing, without repetition. */
function merged(a: readonly number[], b: readonly number[]): number[] {
  return [...new Set([...a, ...b])].sort((x, y) => x - y);
}

/** [segment][time][column], in the table's units. */
async function solveAll(
  model: FitModel,
  params: FitParams,
  starts: Tensor,
  times: readonly number[],
  { scales }: Series,
): Promise<number[][][]> {
  const { ys } = await model.solve(params, starts, times);
  const flat = await ys.data();
  ys.dispose();
  const [batch = 1, dimensions = 1] = starts.shape;
  const value = (t: number, segment: number, c: number) =>
    fromModel(scales[c]!, flat[(t * batch + segment) * dimensions + c]!);
  return Array.from({ length: batch }, (_, segment) =>
    times.map((_time, t) => scales.map((_scale, c) => value(t, segment, c))),
  );
}

/** An arrow of the learned field: where, and its direction in parts of the drawn ranges. */
export interface FieldArrow {
  readonly x: number;
  readonly y: number;
  readonly dx: number;
  readonly dy: number;
}

/** The field of a model of two columns and nothing else, over the given ranges. */
export async function fieldArrows(
  model: FitModel,
  params: FitParams,
  { scales }: Series,
  ranges: readonly [readonly [number, number], readonly [number, number]],
): Promise<FieldArrow[]> {
  const [wide, high] = [17, 15];
  const [xScale, yScale] = [scales[0]!, scales[1]!];
  const xs = between(
    ranges[0].map((value) => toModel(xScale, value)),
    wide,
  );
  const ys = between(
    ranges[1].map((value) => toModel(yScale, value)),
    high,
  );
  const places = ys.flatMap((y) => xs.map((x) => [x, y] as const));
  const { floatDType: dtype } = getBackend();
  const states = tensor(Float64Array.from(places.flat()), [places.length, 2], { dtype });
  const derivative = model.derivative(params, states);
  const flat = await derivative.data();
  derivative.dispose();
  states.dispose();
  const [xSpan, ySpan] = [xs.at(-1)! - xs[0]!, ys.at(-1)! - ys[0]!];
  return places.map(([x, y], i) => ({
    x: fromModel(xScale, x),
    y: fromModel(yScale, y),
    dx: flat[2 * i]! / xSpan,
    dy: flat[2 * i + 1]! / ySpan,
  }));
}

/** The middles of `count` equal parts. */
function between([from = 0, to = 0]: readonly number[], count: number): number[] {
  return Array.from({ length: count }, (_, i) => from + ((to - from) * (i + 0.5)) / count);
}
