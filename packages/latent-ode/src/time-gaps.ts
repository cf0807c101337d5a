/**
 * What lies before and after each time of a batch: the gap to a series' next observation, and its last observation with
 * the gap since. No loop over times: running maxima by doubling the stride (Hillis and Steele 1986), so a hundred times
 * take seven rounds.
 */
import { concat, full, maximum, type Tensor, tensor, where } from '@neuralode/tensor';
import type { ReadyBatch } from './batch.ts';

/** Below any index: no observation yet. */
const none = -1;

/**
 * [batch, time]: from each time to the series' next observation after it; 0 where there is none.
 */
export function gapsToNext({ times, pointMask, count }: ReadyBatch): Tensor {
  const length = times.size;
  const row = times.reshape([1, length]).stopGradient();
  if (pointMask === undefined) {
    const gaps = row.slice([0, 1]).sub(row.slice([0, 0], [1, length - 1]));
    return gaps.pad([0, 0], [0, 1]).broadcastTo([count, length]);
  }
  // The last observation of the reversed row before each place is the next one of the row.
  const next = lastBefore(pointMask.flip(1)).flip(1);
  const found = next.greater(none + 0.5);
  const index = next.mul(-1).add(length - 1); // counted from the front again
  return where(found, timesAt(row, index, found).sub(row), 0);
}

/** What a series has shown before each time of its batch. */
export interface Before {
  /** [batch, time, observed]: the last observation strictly before; 0 where there is none. */
  readonly values: Tensor;
  /** [batch, time]: the time since then; 0 where there is none. */
  readonly gaps: Tensor;
  /** [batch, time]: 1 where there is one. */
  readonly seen: Tensor;
}

/** The last observation before each time; one time more than the batch has, with the last of all, where `end` is given. */
export function observedBefore(batch: ReadyBatch): Before {
  const { times, values, pointMask, count } = batch;
  const length = times.size;
  const row = times.reshape([1, length]).stopGradient();
  if (pointMask === undefined) {
    const gaps = row.slice([0, 1]).sub(row.slice([0, 0], [1, length - 1]));
    const seen = full([1, length - 1], 1, { dtype: row.dtype });
    return {
      values: values.slice([0, 0, 0], [count, length - 1, -1]).pad([0, 1, 0], [0, 0, 0]),
      gaps: gaps.pad([0, 1], [0, 0]).broadcastTo([count, length]),
      seen: seen.pad([0, 1], [0, 0]).broadcastTo([count, length]),
    };
  }
  const index = lastBefore(pointMask);
  const found = index.greater(none + 0.5);
  return {
    values: where(found.expandDims(-1), valuesAt(values, index, found), 0),
    gaps: where(found, row.sub(timesAt(row, index, found)), 0),
    seen: found.cast(row.dtype),
  };
}

/** The last observation of each series: values [batch, observed] and its time [batch]. */
export function lastObserved({ times, values, pointMask, count }: ReadyBatch): {
  values: Tensor;
  times: Tensor;
} {
  const length = times.size;
  const row = times.reshape([1, length]).stopGradient();
  if (pointMask === undefined) {
    return { values: values.at(-1, 1), times: times.at(-1).broadcastTo([count]) };
  }
  const index = placesOf(pointMask).max(1, true); // [batch, 1]
  const found = index.greater(none + 0.5);
  return {
    values: valuesAt(values, index, found).squeeze(1),
    times: timesAt(row, index, found).squeeze(1),
  };
}

/** Its own index where a point was observed, `none` elsewhere: [batch, time]. */
function placesOf(pointMask: Tensor): Tensor {
  const length = pointMask.shape[1]!;
  const indices = tensor(
    Array.from({ length }, (_, i) => i),
    { dtype: pointMask.dtype },
  );
  return where(pointMask.greater(0.5), indices, none);
}

/** For each time the index of the last observation strictly before it, or `none`: [batch, time], a float. */
function lastBefore(pointMask: Tensor): Tensor {
  const [count, length] = pointMask.shape as [number, number];
  const { dtype } = pointMask;
  const shifted = (x: Tensor, by: number): Tensor =>
    concat([full([count, by], none, { dtype }), x.slice([0, 0], [count, length - by])], 1);
  let running = shifted(placesOf(pointMask), 1);
  for (let stride = 1; stride < length; stride *= 2) {
    running = maximum(running, shifted(running, stride));
  }
  return running;
}

function valid(index: Tensor, found: Tensor): Tensor {
  return where(found, index, 0).cast('int32');
}

/** `row` [1, time] at `index` [batch, n]. */
function timesAt(row: Tensor, index: Tensor, found: Tensor): Tensor {
  return row
    .reshape([-1])
    .gather(valid(index, found).reshape([-1]))
    .reshape(index.shape);
}

/** `values` [batch, time, observed] at `index` [batch, n], series by series. */
function valuesAt(values: Tensor, index: Tensor, found: Tensor): Tensor {
  const [count, length, observed] = values.shape as [number, number, number];
  const starts = tensor(
    Array.from({ length: count }, (_, b) => [b * length]),
    { dtype: 'int32' },
  );
  const rows = valid(index, found).add(starts).reshape([-1]);
  return values
    .reshape([-1, observed])
    .gather(rows)
    .reshape([...index.shape, observed]);
}
