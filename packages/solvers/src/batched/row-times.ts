/**
 * The times of a batched solve: how they may be given, and what they must be.
 */
import { ArgumentError, isFloat, showShape, Tensor } from '@neuralode/tensor';
import { isList, shown } from '../call.ts';
import type { OdeSolveAttrs } from '../solve-attrs.ts';
import { requireTimes } from '../times.ts';

/** Times as `odeint` takes them: a list for all, or, in a batched solve, one list a row. */
export type Times = readonly number[] | readonly (readonly number[])[] | Tensor;

/** Whether it is one list, rather than one a row. */
export function areNumbers(times: (number | readonly number[])[]): times is number[] {
  return !times.some((each) => Array.isArray(each) || ArrayBuffer.isView(each));
}

/** Throws unless the times of every row are good, and all run in one direction. */
export function requireRowTimes(times: readonly (readonly number[])[]): void {
  const direction = (row: readonly number[]): number => Math.sign(row[row.length - 1] - row[0]);
  times.forEach((row, r) => {
    requireTimes(row, { of: ` of row ${r}` });
    if (row.length !== times[0].length) {
      throw new ArgumentError({
        what: 'odeint: rows have different numbers of times',
        got: `${times[0].length} in row 0 and ${row.length} in row ${r}`,
        remedy: 'Give each as many: fill up with times that you do not look at',
      });
    }
    if (direction(row) !== direction(times[0])) {
      throw new ArgumentError({
        what: 'odeint: the times of all rows must run in one direction',
        got: `row 0 and row ${r} do not`,
      });
    }
  });
}

/** The number of rows that all leaves of the state have. */
export function batchOf(state: readonly Tensor[]): number {
  const [batch] = state[0].shape;
  const bad = state.find(({ shape }) => shape.length === 0 || shape[0] !== batch);
  if (bad === undefined && batch > 0) return batch;
  throw new ArgumentError({
    what: 'odeint: in a batched solve every leaf of the state has a leading axis of rows, all of one extent',
    got: state.map(({ shape }) => showShape(shape)).join(', '),
  });
}

/** What the node of a batched solve says of its times, and the tensor [B, T] that it reads where they are one. */
export function rowTimesOf(
  ts: Times,
  batch: number,
): { attrs: Pick<OdeSolveAttrs, 'rowTimes'>; inputs: Tensor[] } {
  if (ts instanceof Tensor) return { attrs: {}, inputs: [rowTimesTensor(ts, batch)] };
  const given = [...ts];
  const rowTimes = areNumbers(given)
    ? Array.from({ length: batch }, () => given)
    : given.map((row, r) => [...requireList(row, r)]);
  if (rowTimes.length !== batch) {
    throw new ArgumentError({
      what: 'odeint: one list of times a row is needed, or one for all',
      got: `${rowTimes.length} lists for ${batch} rows`,
    });
  }
  requireRowTimes(rowTimes);
  return { attrs: { rowTimes }, inputs: [] };
}

function requireList(row: unknown, r: number): readonly number[] {
  if (isList(row)) return row as readonly number[];
  throw new ArgumentError({
    what: `odeint: the times of row ${r} must be a list of numbers`,
    got: shown(row),
    remedy: 'Pass one list of times for all rows, or one for each',
  });
}

function rowTimesTensor(ts: Tensor, batch: number): Tensor {
  const count = ts.shape.at(-1) as number;
  const fits = ts.rank === 1 || (ts.rank === 2 && ts.shape[0] === batch);
  if (fits && count >= 2 && isFloat(ts.dtype)) {
    return ts.rank === 2 ? ts : ts.broadcastTo([batch, count]);
  }
  throw new ArgumentError({
    what: 'odeint: the times of a batched solve must be floating-point numbers [T] or [B, T], two or more of each row',
    got: String(ts),
    expected: `[T] or [${batch}, T]`,
  });
}
