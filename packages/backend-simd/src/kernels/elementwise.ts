/**
 * A fused elementwise kernel: one pass over the elements, whatever number of operations; results are stored, or summed
 * over all elements, or both.
 */
import type { DType } from '@neuralode/tensor';
import type { Emit } from '../wasm/function-writer.ts';
import { FunctionWriter } from '../wasm/function-writer.ts';
import { simd } from '../wasm/simd-opcodes.ts';
import { bytesOf, loadLanes, loadSplat, loadStrided, storeLanes } from './elements.ts';
import { Evaluator, laneCount, type Member } from './expression.ts';
import { collapse, nest, type Pointer, pointer } from './nest.ts';

/** Parameters of the function: the addresses of operands, stored results and sums. */
export interface ElementwiseKernel {
  readonly kind: 'elementwise';
  readonly shape: readonly number[];
  readonly operands: readonly { readonly dtype: DType; readonly strides: readonly number[] }[];
  readonly members: readonly Member[];
  /** Which members are stored, and which are summed. */
  readonly stored: readonly number[];
  readonly sums: readonly number[];
}

/** A short expression is done twice in each turn of its loop. */
const shortExpression = 12;

export function elementwiseFunction(kernel: ElementwiseKernel, fused: boolean): FunctionWriter {
  const { operands, stored, sums } = kernel;
  const count = operands.length + stored.length + sums.length;
  const f = new FunctionWriter(new Array(count).fill('i32'));
  new ElementwiseWriter(f, kernel, fused).write();
  return f;
}

interface Operand {
  readonly pointer: Pointer;
  /** Code for the element `at` elements beyond the pointer, and those beside it, in one of the rows done at a time. */
  readonly load: (used: number, at: number, row: number) => Emit;
  /** Whether it is the same in all rows. */
  readonly shared: boolean;
  /** What is to be done at the begin of each line. */
  readonly prepare?: () => void;
}

class ElementwiseWriter {
  readonly #f: FunctionWriter;
  readonly #kernel: ElementwiseKernel;
  readonly #evaluator: Evaluator;
  readonly #lanes: number;
  readonly #totals: readonly (readonly [number, number])[];
  /** How many rows are done at a time, and how many elements of the results a row has. */
  #rows: 1 | 2 = 1;
  #length = 0;
  #operands: Operand[] = [];
  #results: Pointer[] = [];

  constructor(f: FunctionWriter, kernel: ElementwiseKernel, fused: boolean) {
    this.#f = f;
    this.#kernel = kernel;
    const types = [
      ...kernel.operands.map(({ dtype }) => dtype),
      ...kernel.members.flatMap(({ dtype, inputTypes }) => [dtype, ...inputTypes]),
    ];
    const lanes = laneCount(types);
    this.#lanes = lanes;
    this.#evaluator = new Evaluator(f, lanes, fused);
    this.#totals = kernel.sums.map(() => [f.local('v128'), f.local('v128')]);
  }

  write(): void {
    const { shape, operands, stored, members, sums } = this.#kernel;
    const own = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
    const flat = collapse(shape, [...operands.map(({ strides }) => strides), own]);
    const strides = this.#pairs(flat) ?? flat.strides;
    const extents = strides === flat.strides ? flat.extents : [flat.extents[0] * 2];
    const rows = this.#rowsBeside(extents, strides);
    this.#rows = rows;
    const last = extents.length - 2;
    const outer = extents
      .slice(0, -1)
      .map((extent, axis) => (axis === last ? extent / rows : extent));
    this.#operands = operands.map(({ dtype }, i) =>
      this.#operand(i, dtype, strides[i], outer.length),
    );
    this.#results = stored.map((member, i) =>
      this.#pointer(operands.length + i, strides[operands.length], members[member].dtype),
    );
    this.#length = last < 0 ? 0 : strides[operands.length][last];
    const moving = [...this.#operands.map((each) => each.pointer), ...this.#results];
    nest(this.#f, outer, moving, () => this.#line(extents.at(-1) ?? 1, moving, outer.length));
    sums.forEach((member, i) => {
      this.#storeTotal(i, members[member].dtype);
    });
  }

  /** Two rows at a time load once what is the same in all. Sums are left in their order. */
  #rowsBeside(extents: readonly number[], strides: readonly (readonly number[])[]): 1 | 2 {
    const last = extents.length - 2;
    if (last < 0 || extents[last] % 2 > 0 || this.#kernel.sums.length > 0) return 1;
    return strides.some((each) => each[last] === 0 && each[last + 1] > 0) ? 2 : 1;
  }

  /** An address that moves from element to element, and by all the rows that are done at a time. */
  #pointer(parameter: number, strides: readonly number[], dtype: DType): Pointer {
    const steps = strides.map((stride, axis) => {
      const beside = axis === strides.length - 2 ? this.#rows : 1;
      return Math.max(0, stride) * beside * bytesOf(dtype);
    });
    return pointer(this.#f, parameter, steps);
  }

  /**
   * Rows of two elements of 32 bits fill half a vector each; where all operands are such rows, or one row for all, they
   * go two by two. The strides are then those of a flat list, −1 standing for the pair that repeats.
   */
  #pairs({ extents, strides }: { extents: number[]; strides: number[][] }): number[][] | undefined {
    const wide = this.#kernel.operands.some(({ dtype }) => dtype === 'bool');
    if (this.#lanes !== 4 || wide || extents.length !== 2 || extents[1] !== 2) return undefined;
    const repeats = ([row, column]: number[]): number | undefined => {
      if (column > 1) return undefined;
      return column === 0 ? (row === 0 ? 0 : undefined) : row === 0 ? -1 : 1;
    };
    const pairs = strides.map(repeats);
    return pairs.every((each) => each !== undefined) ? pairs.map((each) => [each]) : undefined;
  }

  #operand(index: number, dtype: DType, strides: readonly number[], outer: number): Operand {
    const f = this.#f;
    const size = bytesOf(dtype);
    const along = strides[outer] ?? 0;
    const own = this.#pointer(index, strides, dtype);
    const down = outer === 0 ? 0 : strides[outer - 1];
    const shared = down === 0;
    const offset = (at: number, row: number): number => (row * down + at * along) * size;
    if (along === 1) {
      const load = (used: number, at: number, row: number): Emit =>
        loadLanes(f, dtype, this.#lanes, used, own.local, offset(at, row));
      return { pointer: own, load, shared };
    }
    if (strides.every((stride) => stride <= 0)) {
      const value =
        along === -1
          ? () => {
              f.get(index);
              f.simdMemory(simd.load64Splat);
            }
          : loadSplat(f, dtype, this.#lanes, index);
      const kept = f.once(`operand ${index}`, 'v128', value);
      return { pointer: own, load: () => () => f.get(kept), shared };
    }
    if (along > 1) {
      const load = (used: number, at: number, row: number): Emit =>
        loadStrided(f, dtype, used, own.local, offset(at, row), along);
      return { pointer: own, load, shared };
    }
    const kept = Array.from({ length: this.#rows }, () => f.local('v128'));
    const prepare = (): void => {
      kept.forEach((local, row) => {
        loadSplat(f, dtype, this.#lanes, own.local, offset(0, row))();
        f.set(local);
      });
    };
    return { pointer: own, prepare, load: (_, __, row) => () => f.get(kept[row]), shared };
  }

  /** One line of the innermost axis. */
  #line(length: number, moving: readonly Pointer[], depth: number): void {
    const f = this.#f;
    const lanes = this.#lanes;
    const short = this.#kernel.members.length <= shortExpression;
    const unroll = short && this.#rows === 1 ? 2 : 1;
    const turns = Math.floor(length / (lanes * unroll));
    const advance = (elements: number): void => {
      for (const { local, steps } of moving) {
        const by = elements * (steps[depth] ?? 0);
        if (by !== 0) f.advance(local, by);
      }
    };
    const turn = (): void => {
      for (let i = 0; i < unroll; i++) this.#vectors(lanes, i * lanes);
    };
    for (const { prepare } of this.#operands) prepare?.();
    let done = 0;
    if (turns > 1) {
      f.count(turns, 1, () => {
        turn();
        advance(unroll * lanes);
      });
      done = turns * unroll * lanes;
    }
    const moved = done;
    for (; done < length; done += lanes) {
      this.#vectors(Math.min(lanes, length - done), done - moved);
    }
    if (depth > 0) advance(-moved);
  }

  /** The vectors at one place of the rows that are done at a time. */
  #vectors(used: number, at: number): void {
    const shared = new Map<number, Emit>();
    for (let row = 0; row < this.#rows; row++) this.#vector(used, at, row, shared);
  }

  /** One vector of which `used` elements count, `at` elements beyond the pointers. */
  #vector(used: number, at: number, row: number, shared: Map<number, Emit>): void {
    const { members, stored, operands } = this.#kernel;
    const f = this.#f;
    const own = new Map<number, Emit>();
    const operand = (i: number): Emit => {
      const loaded = this.#operands[i].shared ? shared : own;
      let value = loaded.get(i);
      if (value === undefined) {
        value = this.#evaluator.float32.let(this.#operands[i].load(used, at, row));
        loaded.set(i, value);
      }
      return value;
    };
    for (let i = 0; i < operands.length; i++) operand(i);
    const values = this.#evaluator.evaluate(members, operand, used);
    stored.forEach((member, i) => {
      const { dtype } = members[member];
      const { local } = this.#results[i];
      const offset = (row * this.#length + at) * bytesOf(dtype);
      storeLanes(f, dtype, this.#lanes, used, local, offset, values[member]);
    });
    this.#kernel.sums.forEach((member, i) => {
      this.#addUp(i, members[member].dtype, values[member], used);
    });
  }

  /** Adds the first lanes to a running sum, in float64. */
  #addUp(index: number, dtype: DType, value: Emit, used: number): void {
    const f = this.#f;
    const add = (total: number, part: Emit, lanes: number): void => {
      f.get(total);
      part();
      if (lanes === 1) {
        const mask = f.once('first lane', 'v128', () =>
          f.simd(simd.constant, ...Array.from({ length: 16 }, (_, i) => (i < 8 ? 255 : 0))),
        );
        f.get(mask);
        f.simd(simd.and);
      }
      f.simd(240);
      f.set(total);
    };
    const [low, high] = this.#totals[index];
    if (dtype === 'float64') {
      add(low, value, used);
      return;
    }
    const v = this.#evaluator.float32;
    add(low, v.unary(simd.promoteLow)(value), Math.min(used, 2));
    if (used <= 2) return;
    const upper = [8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15];
    add(high, v.unary(simd.promoteLow)(v.shuffle(value, value, upper)), used - 2);
  }

  #storeTotal(index: number, dtype: DType): void {
    const f = this.#f;
    const { operands, stored } = this.#kernel;
    const [low, high] = this.#totals[index];
    f.get(operands.length + stored.length + index);
    for (const total of [low, high]) {
      for (const lane of [0, 1]) {
        f.get(total);
        f.simd(simd.f64x2Extract, lane);
      }
      f.op(0xa0);
    }
    f.op(0xa0);
    if (dtype === 'float32') f.op(0xb6);
    f.memory(dtype === 'float32' ? 0x38 : 0x39);
  }
}
