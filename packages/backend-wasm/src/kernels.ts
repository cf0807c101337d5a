/**
 * Our own kernels, living on the heap of the tfjs module: what they are called, and how they get there.
 */
import { plainModule, simdModule } from './kernels.generated.ts';
import type { RowBlock } from './rows.ts';

type Unary = (x: number, out: number, count: number) => void;

/** Over the middle axis of [outer, extent, inner]. */
type Reduction = (x: number, out: number, outer: number, extent: number, inner: number) => void;

/** Stride between rows and step within them in bytes, 0 to repeat. */
type CopyRows = (
  x: number,
  row: number,
  step: number,
  out: number,
  rows: number,
  columns: number,
) => void;

export const binaryNames = ['add', 'sub', 'mul', 'div', 'maximum', 'minimum'] as const;
export const unaryNames = ['sign', 'log1p', 'expm1', 'elu', 'sin', 'cos'] as const;
export const exponentialNames = ['exp', 'tanh', 'sigmoid'] as const;

type ReductionName =
  | 'sum'
  | 'sumInt'
  | 'maxFloat'
  | 'maxInt'
  | 'maxByte'
  | 'argMaxFloat'
  | 'argMaxInt'
  | 'argMaxByte';

export type OwnKernels = Readonly<Record<(typeof binaryNames)[number], RowBlock>> &
  Readonly<Record<(typeof unaryNames)[number], Unary>> &
  // only where the engine has SIMD
  Readonly<Partial<Record<(typeof exponentialNames)[number], Unary>>> &
  Readonly<Record<ReductionName, Reduction>> & {
    /** Elements of four bytes. */
    copyRows: CopyRows;
    /** Elements of one byte. */
    copyByteRows: CopyRows;
    smallMatMul(a: number, b: number, out: number, m: number, k: number, n: number): void;
    /** `terms`: pairs in memory of an address (u32) and a weight (f32). */
    linearCombination(terms: number, termCount: number, out: number, count: number): void;
    scatterAdd(
      x: number,
      indices: number,
      sums: number,
      out: number,
      outer: number,
      extent: number,
      size: number,
      inner: number,
    ): void;
  };

/** Instantiates our kernels on `memory`. They have no data and no stack there, so nothing of tfjs' is overwritten. */
export async function loadKernels(memory: WebAssembly.Memory, simd: boolean): Promise<OwnKernels> {
  const text = atob(simd ? simdModule : plainModule);
  const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
  const host = { memory, 'Math.sin': Math.sin, 'Math.cos': Math.cos };
  const { instance } = await WebAssembly.instantiate(bytes, { env: host });
  return instance.exports as unknown as OwnKernels;
}
