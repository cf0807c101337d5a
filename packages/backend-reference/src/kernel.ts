/** What a kernel is: a loop from operands to one output whose memory is already there, zeroed. */
import type { DType, HostArray } from '@neuralode/tensor';

/** A row-major block of elements. */
export interface Block {
  readonly data: HostArray;
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/**
 * Shapes, dtypes and attributes have been checked by the primitive's `infer`. Storing into `out.data` rounds a number
 * to the output's dtype: to float32 once, to int32 modulo 2³².
 */
// biome-ignore lint/suspicious/noExplicitAny: attributes differ by primitive; each kernel types its own.
export type Kernel = (operands: readonly Block[], attrs: any, out: Block) => void;
