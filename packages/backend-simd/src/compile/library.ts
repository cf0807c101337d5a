/** The kernels of one program: a function for each that differs, however often it is called. */
import { type CopyKernel, copyFunction } from '../kernels/copy.ts';
import {
  type CorrelationFilterKernel,
  correlationFilterFunction,
} from '../kernels/correlation-filter.ts';
import { type CorrelationKernel, correlationFunction } from '../kernels/correlation.ts';
import { type ElementwiseKernel, elementwiseFunction } from '../kernels/elementwise.ts';
import { type GatherKernel, gatherFunction } from '../kernels/gather.ts';
import { matMulFunction } from '../kernels/mat-mul.ts';
import type { MatMulKernel } from '../kernels/mat-mul-shape.ts';
import { type ReduceKernel, reduceFunction } from '../kernels/reduce.ts';
import { type WinogradFilterKernel, winogradFilterFunction } from '../kernels/winograd-filter.ts';
import {
  type WinogradFiltersKernel,
  type WinogradKernel,
  winogradFiltersFunction,
  winogradFunction,
} from '../kernels/winograd.ts';
import type { FunctionWriter } from '../wasm/function-writer.ts';
import type { ModuleWriter } from '../wasm/module-writer.ts';

export type Kernel =
  | ElementwiseKernel
  | MatMulKernel
  | CorrelationKernel
  | CorrelationFilterKernel
  | WinogradKernel
  | WinogradFiltersKernel
  | WinogradFilterKernel
  | CopyKernel
  | ReduceKernel
  | GatherKernel;

/** Kernels as text, numbers kept apart that JSON does not. */
function keyOf(kernel: Kernel): string {
  return JSON.stringify(kernel, (_, value) =>
    typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))
      ? `number ${Object.is(value, -0) ? '-0' : value}`
      : value,
  );
}

export class KernelLibrary {
  readonly #module: ModuleWriter;
  readonly #fused: boolean;
  readonly #known = new Map<string, number>();

  constructor(module: ModuleWriter, fused: boolean) {
    this.#module = module;
    this.#fused = fused;
  }

  get size(): number {
    return this.#known.size;
  }

  /** Index of the function. */
  indexOf(kernel: Kernel): number {
    const key = keyOf(kernel);
    let index = this.#known.get(key);
    if (index === undefined) {
      index = this.#module.add(this.#write(kernel));
      this.#known.set(key, index);
    }
    return index;
  }

  #write(kernel: Kernel): FunctionWriter {
    switch (kernel.kind) {
      case 'elementwise':
        return elementwiseFunction(kernel, this.#fused);
      case 'matMul':
        return matMulFunction(kernel, this.#fused);
      case 'correlation':
        return correlationFunction(kernel, this.#fused);
      case 'correlationFilter':
        return correlationFilterFunction(kernel, this.#fused);
      case 'winograd':
        return winogradFunction(kernel, this.#fused);
      case 'winogradFilters':
        return winogradFiltersFunction(kernel);
      case 'winogradFilter':
        return winogradFilterFunction(kernel, this.#fused);
      case 'copy':
        return copyFunction(kernel);
      case 'reduce':
        return reduceFunction(kernel);
      case 'gather':
      case 'scatterAdd':
        return gatherFunction(kernel);
    }
  }
}
