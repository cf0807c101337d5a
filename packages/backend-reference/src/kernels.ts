/** Which loop computes which primitive. */
import { convolutionKernels } from './convolution.ts';
import { elementwiseKernels } from './elementwise.ts';
import { indexKernels } from './index-kernels.ts';
import type { Kernel } from './kernel.ts';
import { logicKernels } from './logic.ts';
import { makeKernels } from './make.ts';
import { matMulKernels } from './mat-mul.ts';
import { moveKernels } from './moves.ts';
import { reductionKernels } from './reductions.ts';

export const kernels: ReadonlyMap<string, Kernel> = new Map(
  Object.entries({
    ...elementwiseKernels,
    ...logicKernels,
    ...matMulKernels,
    ...convolutionKernels,
    ...reductionKernels,
    ...moveKernels,
    ...indexKernels,
    ...makeKernels,
  }),
);
