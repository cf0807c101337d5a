/** Nested loops over extents known when the code is made, with pointers that move along. */
import type { FunctionWriter } from '../wasm/function-writer.ts';

/** An address that moves by `steps[d]` bytes with loop d. */
export interface Pointer {
  readonly local: number;
  readonly steps: readonly number[];
}

/** A pointer of one's own, starting at the address in `from`. */
export function pointer(f: FunctionWriter, from: number, steps: readonly number[]): Pointer {
  return { local: f.let('i32', () => f.get(from)), steps };
}

/** The address `index` times `bytes` beyond that in `base`, in a local. */
export function offset(f: FunctionWriter, base: number, index: number, bytes: number): number {
  return f.let('i32', () => {
    f.get(base);
    f.get(index);
    f.i32(bytes);
    f.op(0x6c, 0x6a);
  });
}

/** Runs `body` at every point, the last extent varying fastest; it leaves the pointers as it found them. */
export function nest(
  f: FunctionWriter,
  extents: readonly number[],
  pointers: readonly Pointer[],
  body: () => void,
  depth = 0,
): void {
  if (depth === extents.length) {
    body();
    return;
  }
  const extent = extents[depth];
  if (extent === 0) return;
  const inner = (): void => nest(f, extents, pointers, body, depth + 1);
  if (extent === 1) {
    inner();
    return;
  }
  f.count(extent, 1, () => {
    inner();
    for (const { local, steps } of pointers) if (steps[depth] !== 0) f.advance(local, steps[depth]);
  });
  for (const { local, steps } of pointers) {
    if (steps[depth] !== 0) f.advance(local, -extent * steps[depth]);
  }
}

/** Merges neighbouring axes wherever every list of strides allows, and drops axes of extent 1. */
export function collapse(
  shape: readonly number[],
  strides: readonly (readonly number[])[],
): { extents: number[]; strides: number[][] } {
  const extents: number[] = [];
  const kept: number[][] = strides.map(() => []);
  shape.forEach((extent, axis) => {
    if (extent === 1) return;
    const last = extents.length - 1;
    const joins = last >= 0 && strides.every((list, i) => kept[i][last] === list[axis] * extent);
    if (joins) extents[last] *= extent;
    else extents.push(extent);
    strides.forEach((list, i) => {
      if (joins) kept[i][last] = list[axis];
      else kept[i].push(list[axis]);
    });
  });
  return { extents, strides: kept };
}

/** Strides of an operand of shape `from` seen as `to`, which it broadcasts to: 0 along an axis that it lacks. */
export function broadcastStrides(from: readonly number[], to: readonly number[]): number[] {
  const strides = new Array<number>(to.length).fill(0);
  let stride = 1;
  for (let i = 1; i <= from.length; i++) {
    const extent = from[from.length - i];
    if (extent !== 1) strides[to.length - i] = stride;
    stride *= extent;
  }
  return strides;
}
