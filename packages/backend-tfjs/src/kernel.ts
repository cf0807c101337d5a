/**
 * A kernel: how one primitive runs on a tfjs device. A table of them, by primitive name, is all that an adapter needs.
 */
import type { Block, DeviceDType } from './block.ts';
import type { Workbench } from './workbench.ts';

/** What the result must be. The adapter reads elements in row-major order: a kernel may return any shape of that size. */
export interface Result {
  readonly shape: readonly number[];
  readonly dtype: DeviceDType;
}

/** Operands are borrowed and none is empty; what a kernel makes on the bench and does not return is freed for it. */
export type Kernel<Attrs = never> = (
  bench: Workbench,
  inputs: readonly Block[],
  attrs: Attrs,
  result: Result,
) => Block;

// biome-ignore lint/suspicious/noExplicitAny: attributes differ by primitive; each kernel types its own.
export type KernelTable = Readonly<Record<string, Kernel<any>>>;
