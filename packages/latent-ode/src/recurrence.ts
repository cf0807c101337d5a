/** Runs a recurrent cell along a batch of sequences, passing over the steps that the mask excludes. */
import type { Cell } from '@neuralode/nn';
import { concat, scan, type Tensor, zeros } from '@neuralode/tensor';
import type { ReadyBatch } from './batch.ts';

/** How to run. */
export interface RecurrenceOptions {
  /** From the last step to the first. Default false. */
  readonly reverse?: boolean;
  /**
   * What to keep of every step besides: the states as they are carried on, or what the cell makes of each step's input,
   * masked out or not. Default: nothing.
   */
  readonly keep?: 'states' | 'candidates';
}

/** Where a run led. */
export interface Recurrence {
  /** [batch, hidden]: the state after all observed steps. */
  readonly last: Tensor;
  /** [time, batch, hidden], if kept. */
  readonly steps: Tensor | undefined;
}

/**
 * h ← m ∘ cell(h, x) + (1 − m) ∘ h, from h = 0.
 *
 * @param inputs [batch, time, inputs]
 * @param mask [batch, time], 1 or 0; undefined runs every step
 */
export function runCell<P>(
  cell: Cell<P>,
  params: P,
  inputs: Tensor,
  mask: Tensor | undefined,
  { reverse = false, keep }: RecurrenceOptions = {},
): Recurrence {
  const [count] = inputs.shape as [number, number, number];
  const start = zeros([count, cell.hidden], { dtype: inputs.dtype });
  // scan walks along the leading axis
  const xs = {
    x: inputs.transpose([1, 0, 2]),
    ...(mask && { m: mask.transpose([1, 0]).expandDims(-1) }),
  };
  const step = (h: Tensor, { x, m }: { x: Tensor; m?: Tensor }): [Tensor, { steps?: Tensor }] => {
    const candidate = cell.apply(params, h, x);
    const state = m === undefined ? candidate : h.add(candidate.sub(h).mul(m));
    if (keep === undefined) return [state, {}];
    return [state, { steps: keep === 'states' ? state : candidate }];
  };
  const [last, { steps }] = scan(step, start, xs, { reverse });
  return { last, steps };
}

/** Joins what a step shows to the cell: values, which of them are known, and a gap of time. */
export function stepInputs(values: Tensor, known: Tensor | undefined, gaps: Tensor | undefined) {
  const parts = [values, ...(known ? [known] : []), ...(gaps ? [gaps.expandDims(-1)] : [])];
  return parts.length === 1 ? values : concat(parts, 2);
}

/** The mask as an input, where single values can be missing from a point. */
export function knownValues(batch: ReadyBatch, missingValues: boolean): Tensor | undefined {
  if (!missingValues) return undefined;
  const { valueMask, values } = batch;
  if (valueMask === undefined) return values.mul(0).add(1);
  return valueMask.broadcastTo(values.shape);
}
