/** The loop that the floor is measured with does the multiply-adds that are counted: it computes a product. */
import { describe, expect, it } from 'vitest';
import { type Blocking, loopModule } from './loop-module.ts';
import { turnOnMultiplyAdd } from './multiply-add.ts';

interface Exports {
  readonly memory: WebAssembly.Memory;
  run(times: number): void;
}

/** Small whole numbers, so that sums are exact in float32. */
function fill(numbers: Float32Array): void {
  numbers.forEach((_, i) => {
    numbers[i] = ((i * 7) % 11) - 5;
  });
}

function product({ rows, vectors }: Blocking, depth: number, times: number): number[] {
  const columns = 4 * vectors;
  const numbers = new Float32Array(depth * (rows + columns));
  fill(numbers);
  const [a, b] = [numbers.subarray(0, depth * rows), numbers.subarray(depth * rows)];
  return Array.from({ length: rows * columns }, (_, at) => {
    const [row, column] = [Math.floor(at / columns), at % columns];
    let sum = 0;
    for (let p = 0; p < depth; p++) sum += a[p * rows + row] * b[p * columns + column];
    return times * sum;
  });
}

const blockings: Blocking[] = [
  { rows: 4, vectors: 2 },
  { rows: 2, vectors: 4 },
  { rows: 3, vectors: 3 },
];
// fused as well where the engine has it; whole numbers come out the same
const engines = turnOnMultiplyAdd() ? [false, true] : [false];

describe.each(engines)('with fused multiply-add: %s', (fused) => {
  it.each(blockings)('$rows rows by $vectors vectors', (blocking) => {
    const [depth, times] = [10, 3];
    const module = new WebAssembly.Module(loopModule(blocking, depth, fused));
    const { memory, run } = new WebAssembly.Instance(module).exports as unknown as Exports;
    const { rows, vectors } = blocking;
    fill(new Float32Array(memory.buffer, 0, depth * (rows + 4 * vectors)));
    run(times);
    const sums = new Float32Array(memory.buffer, 0, rows * 4 * vectors);
    expect(Array.from(sums)).toEqual(product(blocking, depth, times));
  });
});
