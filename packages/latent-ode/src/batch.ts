/**
 * Batches of irregularly sampled series. A batch shares the sorted union of its series' times; a mask says which of
 * those times a series was observed at (as in Rubanova, Chen, Duvenaud 2019). What stands in `values` where the mask is
 * 0 is never looked at: it may be anything, NaN too.
 */
import {
  ArgumentError,
  getBackend,
  ShapeError,
  showShape,
  Tensor,
  tensor,
  where,
} from '@neuralode/tensor';

/** Series side by side. */
export interface SeriesBatch {
  /**
   * Increasing times of the whole batch. As numbers they are part of a recording: `jit` makes a new one for other
   * times. A tensor [time] may change from call to call.
   */
  readonly times: readonly number[] | Tensor;
  /** [batch, time, observed]. */
  readonly values: Tensor;
  /**
   * 1 where a series was observed, else 0: [batch, time], or [batch, time, observed] where single values may be
   * missing. Left out, everything was observed, which runs faster.
   */
  readonly mask?: Tensor;
}

/** One series on the host: `values[i]` was observed at `times[i]`; a NaN in it is a missing value. */
export interface Series {
  readonly times: ArrayLike<number>;
  readonly values: ArrayLike<ArrayLike<number>>;
}

/**
 * Puts series together on the union of their times.
 *
 * @param times the union, where it is known beforehand (a grid): all batches then share one recording
 * @returns a batch whose mask is [batch, time], or [batch, time, observed] if a value is missing from a point
 */
export function seriesBatch(list: readonly Series[], times = unionOf(list)): SeriesBatch {
  const observed = list[0]?.values[0]?.length;
  if (observed === undefined) {
    throw new ArgumentError({
      what: 'seriesBatch: there is no series, or the first has no point',
      got: `${list.length} series`,
    });
  }
  const place = new Map(times.map((time, i) => [time, i]));
  const values = new Float64Array(list.length * times.length * observed);
  const known = new Uint8Array(values.length);
  list.forEach((series, b) => {
    for (let i = 0; i < series.times.length; i++) {
      const row = (b * times.length + placeOf(series.times[i]!, place, b)) * observed;
      const point = requireWidth(series.values[i], observed, b, i);
      for (let d = 0; d < observed; d++) {
        if (Number.isNaN(point[d])) continue;
        values[row + d] = point[d]!;
        known[row + d] = 1;
      }
    }
  });
  const dtype = getBackend().floatDType;
  const shape = [list.length, times.length, observed];
  const { mask, whole } = maskOf(known, observed);
  return {
    times,
    values: tensor(values, shape, { dtype }),
    mask: tensor(mask, whole ? shape.slice(0, 2) : shape, { dtype }),
  };
}

function unionOf(list: readonly Series[]): readonly number[] {
  const all = new Set(list.flatMap(({ times }) => Array.from(times)));
  return [...all].sort((a, b) => a - b);
}

function placeOf(time: number, place: ReadonlyMap<number, number>, series: number): number {
  const found = place.get(time);
  if (found !== undefined) return found;
  throw new ArgumentError({
    what: `seriesBatch: series ${series} has a time that the batch lacks`,
    got: String(time),
    remedy: 'Leave the times out, and the union of all series is taken',
  });
}

function requireWidth(
  point: ArrayLike<number> | undefined,
  observed: number,
  series: number,
  index: number,
): ArrayLike<number> {
  if (point?.length === observed) return point;
  throw new ShapeError({
    what: `seriesBatch: point ${index} of series ${series} has another number of values`,
    got: String(point?.length ?? 'no point at all'),
    expected: String(observed),
  });
}

/** One entry a point, if every point is there with all its values or not at all; else one a value. */
function maskOf(known: Uint8Array, observed: number): { mask: Float64Array; whole: boolean } {
  const points = known.length / observed;
  const counts = Float64Array.from({ length: points }, (_, i) =>
    known.subarray(i * observed, (i + 1) * observed).reduce((sum, one) => sum + one, 0),
  );
  const whole = counts.every((count) => count === 0 || count === observed);
  return {
    mask: whole ? counts.map((count) => count / observed) : Float64Array.from(known),
    whole,
  };
}

/** A batch as the networks read it. */
export interface ReadyBatch {
  readonly count: number;
  /** [time]. */
  readonly times: Tensor;
  /** [batch, time, observed], 0 where nothing was observed. */
  readonly values: Tensor;
  /** [batch, time, 1 or observed]; undefined where all was observed. */
  readonly valueMask: Tensor | undefined;
  /** [batch, time]: 1 where anything was observed. */
  readonly pointMask: Tensor | undefined;
}

/** Checks shapes and hides what the mask excludes. */
export function readBatch(batch: SeriesBatch, observed: number, who: string): ReadyBatch {
  const { values, mask } = batch;
  const times =
    batch.times instanceof Tensor ? batch.times : tensor([...batch.times], { dtype: values.dtype });
  const [count, length] = values.shape;
  if (values.rank !== 3 || values.shape[2] !== observed || length !== times.size) {
    throw new ShapeError({
      what: `${who}: the values do not fit the model and the times`,
      got: showShape(values.shape),
      expected: `[batch, ${times.size}, ${observed}]`,
    });
  }
  if (mask === undefined) {
    return { count: count!, times, values, valueMask: undefined, pointMask: undefined };
  }
  const valueMask = spreadMask(mask, values, who);
  return {
    count: count!,
    times,
    values: where(valueMask.greater(0.5), values, 0),
    valueMask,
    pointMask: mask.rank === 2 ? mask : mask.max(-1),
  };
}

function spreadMask(mask: Tensor, values: Tensor, who: string): Tensor {
  const [count, length, observed] = values.shape;
  if (String(mask.shape) === String([count, length])) return mask.expandDims(-1);
  if (String(mask.shape) === String([count, length, observed])) return mask;
  throw new ShapeError({
    what: `${who}: the mask does not fit the values`,
    got: showShape(mask.shape),
    expected: `${showShape([count!, length!])} or ${showShape(values.shape)}`,
  });
}
