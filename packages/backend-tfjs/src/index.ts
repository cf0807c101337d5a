/**
 * The one adapter from tfjs-core kernels to neuralode's `Backend` contract, for backend packages to build on.
 */
export type { TfjsBackendOptions } from './adapter.ts';
export { sharedKernels, tfjsBackend } from './adapter.ts';
export type { Block, DeviceDType, Storage } from './block.ts';
export { viewAs } from './block.ts';
export type { Convolve } from './convolution.ts';
export { convolutions, convolvePadded, padAndConvolve, padOrCut } from './convolution.ts';
export { binaryKernel, unaryKernel } from './elementwise.ts';
export type { Kernel, KernelTable, Result } from './kernel.ts';
export { aroundAxis, mergePermutation, mergeRuns } from './layout.ts';
export { broadcast, reducedLast, transposed } from './moves.ts';
export type { KernelInputs } from './workbench.ts';
export { Workbench } from './workbench.ts';
