/** What one call of a flow may be told. */
import type { Tensor } from '@neuralode/tensor';
import type { Trace } from './traces.ts';

/** Settings of one call. */
export interface FlowCall {
  /** Handed to the field: [batch, …]. */
  readonly context?: Tensor;
  /** Another trace for this call: such as `exact()` for evaluation, where the flow is trained with `hutchinson()`. */
  readonly trace?: Trace;
  /** For an estimated trace, shaped like the points; from `noise`. */
  readonly noise?: Tensor;
  /** Where in the span the points `x` stand. Default: at the data's end. */
  readonly time?: number;
}
