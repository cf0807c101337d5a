/** Moves elements from one regular grid of memory to another: slices, flips, transposes, broadcasts, stacks. */
import type { DType } from '@neuralode/tensor';
import { FunctionWriter } from '../wasm/function-writer.ts';
import { bytesOf, loadLanes, loadSplat, storeLanes } from './elements.ts';
import { collapse, nest, pointer } from './nest.ts';

/** Which elements are moved, and how they lie on either side. */
export interface Grid {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** In elements; may be negative or 0. */
  readonly fromStrides: readonly number[];
  readonly toStrides: readonly number[];
  /** Where the first element lies, in elements. */
  readonly fromStart: number;
  readonly toStart: number;
}

/** Parameters of the function: where the elements come from, where they go. */
export interface CopyKernel extends Grid {
  readonly kind: 'copy';
}

/** Loads and stores of one number, by its size. */
const moves: Readonly<Record<number, readonly [number, number]>> = {
  1: [0x2d, 0x3a],
  4: [0x28, 0x36],
  8: [0x29, 0x37],
};

export function copyFunction(kernel: CopyKernel): FunctionWriter {
  const f = new FunctionWriter(['i32', 'i32']);
  copyGrid(f, kernel, 0, 1);
  return f;
}

/** Copies between the addresses in two locals. */
export function copyGrid(f: FunctionWriter, grid: Grid, source: number, target: number): void {
  const { dtype, shape, fromStrides, toStrides, fromStart, toStart } = grid;
  const size = bytesOf(dtype);
  const flat = collapse(shape, [fromStrides, toStrides]);
  const extents = [...flat.extents];
  const inner = flat.strides.map((list) => list.at(-1));
  const wide = inner[1] === 1 && (inner[0] === 1 || inner[0] === 0) && dtype !== 'bool';
  const length = wide ? (extents.pop() as number) : 1;
  const bytes = (list: readonly number[]): number[] => list.map((stride) => stride * size);
  const from = pointer(f, source, bytes(flat.strides[0]));
  const to = pointer(f, target, bytes(flat.strides[1]));
  f.advance(from.local, fromStart * size);
  f.advance(to.local, toStart * size);
  nest(f, extents, [from, to], () => {
    if (wide) copyLine(f, dtype, length, inner[0] === 1, from.local, to.local);
    else {
      f.get(to.local);
      f.get(from.local);
      f.memory(moves[size][0]);
      f.memory(moves[size][1]);
    }
  });
}

/** Elements side by side, from elements side by side or from one. */
function copyLine(
  f: FunctionWriter,
  dtype: DType,
  length: number,
  moving: boolean,
  from: number,
  to: number,
): void {
  const lanes = 16 / bytesOf(dtype);
  const repeated = moving ? undefined : f.let('v128', loadSplat(f, dtype, lanes, from));
  const vector = (used: number, offset: number): void => {
    const value =
      repeated === undefined
        ? loadLanes(f, dtype, lanes, used, from, offset)
        : () => f.get(repeated);
    storeLanes(f, dtype, lanes, used, to, offset, value);
  };
  const whole = Math.floor(length / lanes);
  let done = 0;
  if (whole > 4) {
    f.count(whole, 1, () => {
      vector(lanes, 0);
      if (moving) f.advance(from, 16);
      f.advance(to, 16);
    });
    done = whole * lanes;
  }
  const moved = done * bytesOf(dtype);
  for (; done < length; done += lanes) {
    vector(Math.min(lanes, length - done), done * bytesOf(dtype) - moved);
  }
  if (moved === 0) return;
  if (moving) f.advance(from, -moved);
  f.advance(to, -moved);
}
