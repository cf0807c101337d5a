/** Slices picked and added by integer indices, which are checked. */
import type { DType } from '@neuralode/tensor';
import { FunctionWriter } from '../wasm/function-writer.ts';
import { bytesOf } from './elements.ts';
import { hostIndex } from './host-functions.ts';
import { nest, pointer } from './nest.ts';

/** Parameters of the function: the addresses of the elements, the indices and the result (zeros, for `scatterAdd`). */
export interface GatherKernel {
  readonly kind: 'gather' | 'scatterAdd';
  readonly dtype: DType;
  /** Extents before and after the axis, and of the axis that is indexed. */
  readonly outer: number;
  readonly inner: number;
  readonly extent: number;
  /** How many indices. */
  readonly count: number;
}

/** Which of a program's functions is told of an index outside: these come first in its list. */
export const outsideCalls = { gather: 0, scatterAdd: 1 } as const;

const loads: Readonly<Record<DType, number>> = {
  float32: 0x2a,
  float64: 0x2b,
  int32: 0x28,
  bool: 0x2d,
};
const stores: Readonly<Record<DType, number>> = {
  float32: 0x38,
  float64: 0x39,
  int32: 0x36,
  bool: 0x3a,
};
const adds: Readonly<Record<DType, number>> = {
  float32: 0x92,
  float64: 0xa0,
  int32: 0x6a,
  bool: 0x6a,
};

export function gatherFunction(kernel: GatherKernel): FunctionWriter {
  const { kind, dtype, outer, inner, extent, count } = kernel;
  const f = new FunctionWriter(['i32', 'i32', 'i32']);
  const size = bytesOf(dtype);
  const gathers = kind === 'gather';
  // one of the two is walked in order, the other jumps with the indices
  const steady = pointer(f, gathers ? 2 : 0, [count * inner * size, inner * size]);
  const base = pointer(f, gathers ? 0 : 2, [extent * inner * size, 0]);
  const index = pointer(f, 1, [0, 4]);
  nest(f, [outer, count], [steady, base, index], () => {
    const at = f.let('i32', () => {
      f.get(index.local);
      f.memory(0x28);
    });
    checkIndex(f, kernel, at, index.local);
    const jumping = f.let('i32', () => {
      f.get(base.local);
      f.get(at);
      f.i32(inner * size);
      f.op(0x6c, 0x6a);
    });
    const here = pointer(f, steady.local, [size]);
    const there = { local: jumping, steps: [size] };
    nest(f, [inner], [here, there], () => {
      if (gathers) {
        f.get(here.local);
        f.get(there.local);
        f.memory(loads[dtype]);
      } else {
        f.get(there.local);
        f.get(there.local);
        f.memory(loads[dtype]);
        f.get(here.local);
        f.memory(loads[dtype]);
        f.op(adds[dtype]);
      }
      f.memory(stores[dtype]);
    });
  });
  return f;
}

/** Tells the host, which throws, of an index outside. */
function checkIndex(
  f: FunctionWriter,
  { kind, extent }: GatherKernel,
  index: number,
  address: number,
): void {
  f.if(
    () => {
      f.get(index);
      f.i32(extent);
      f.op(0x4f);
    },
    () => {
      f.i32(outsideCalls[kind]);
      f.get(index);
      f.op(0xb7);
      f.get(address);
      f.get(1);
      f.op(0x6b);
      f.i32(2);
      f.op(0x76, 0xb8);
      f.f64(extent);
      f.call(hostIndex('call3'));
    },
  );
}
