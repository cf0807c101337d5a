/** Sums and maxima over some axes. Sums of floats are made in float64 and rounded once. */
import type { DType } from '@neuralode/tensor';
import type { Emit } from '../wasm/function-writer.ts';
import { FunctionWriter } from '../wasm/function-writer.ts';
import { simd } from '../wasm/simd-opcodes.ts';
import { bytesOf, loadLanes, storeLanes } from './elements.ts';
import { nest, type Pointer, pointer } from './nest.ts';

/** Parameters of the function: the addresses of the elements and of the result. */
export interface ReduceKernel {
  readonly kind: 'reduce';
  readonly op: 'sum' | 'max' | 'argMax';
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly axes: readonly number[];
}

/** Columns are summed beside each other as far as a line of the cache (64 bytes) goes: it is read once. */
const vectorsOfLine = 4;
/** How many terms of float64 are added up before the sum goes to the next. */
const blockLength = 512;

interface Axis {
  readonly extent: number;
  readonly stride: number;
  readonly reduced: boolean;
}

/** The axes, neighbours that share their fate taken together. */
function axesOf({ shape, axes }: ReduceKernel): Axis[] {
  const merged: Axis[] = [];
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const extent = shape[axis];
    const reduced = axes.includes(axis);
    const next = merged[0];
    if (next !== undefined && next.reduced === reduced) {
      merged[0] = { ...next, extent: next.extent * extent };
    } else {
      merged.unshift({ extent, stride, reduced });
    }
    stride *= extent;
  }
  return merged;
}

export function reduceFunction(kernel: ReduceKernel): FunctionWriter {
  const f = new FunctionWriter(['i32', 'i32']);
  new ReduceWriter(f, kernel).write();
  return f;
}

class ReduceWriter {
  readonly #f: FunctionWriter;
  readonly #kernel: ReduceKernel;
  readonly #size: number;
  readonly #kept: Axis[];
  readonly #reduced: Axis[];

  constructor(f: FunctionWriter, kernel: ReduceKernel) {
    this.#f = f;
    this.#kernel = kernel;
    this.#size = bytesOf(kernel.dtype);
    const axes = axesOf(kernel);
    this.#kept = axes.filter(({ reduced }) => !reduced);
    this.#reduced = axes.filter(({ reduced }) => reduced);
  }

  write(): void {
    const { op, dtype } = this.#kernel;
    const floats = dtype === 'float32' || dtype === 'float64';
    if (op === 'sum' && floats) {
      if (this.#kept.at(-1)?.stride === 1) this.#sumColumns();
      else this.#overKept(this.#kept, (from, to) => this.#sumLine(from, to));
    } else {
      this.#overKept(this.#kept, (from, to) => this.#plain(from, to));
    }
  }

  /** Runs `body` for each of the results, in their order. */
  #overKept(kept: readonly Axis[], body: (from: Pointer, to: Pointer) => void): void {
    const own = kept.map((_, i) => kept.slice(i + 1).reduce((a, b) => a * b.extent, 1));
    const result = this.#kernel.op === 'argMax' ? 4 : this.#size;
    const from = pointer(
      this.#f,
      0,
      kept.map(({ stride }) => stride * this.#size),
    );
    const to = pointer(
      this.#f,
      1,
      own.map((stride) => stride * result),
    );
    nest(
      this.#f,
      kept.map(({ extent }) => extent),
      [from, to],
      () => body(from, to),
    );
  }

  /** Runs `body` at each of the elements that are reduced, from where `from` points. */
  #overReduced(axes: readonly Axis[], from: Pointer, body: (at: number) => void): void {
    const walk = pointer(
      this.#f,
      from.local,
      axes.map(({ stride }) => stride * this.#size),
    );
    nest(
      this.#f,
      axes.map(({ extent }) => extent),
      [walk],
      () => body(walk.local),
    );
  }

  /** Vectors of results beside each other. */
  #sumColumns(): void {
    const f = this.#f;
    const last = this.#kept.at(-1) as Axis;
    const lanes = 16 / this.#size;
    const { dtype } = this.#kernel;
    const outer = this.#kept.slice(0, -1).map((axis) => axis);
    const own = outer.map((_, i) => this.#kept.slice(i + 1).reduce((a, b) => a * b.extent, 1));
    const from = pointer(
      f,
      0,
      outer.map(({ stride }) => stride * this.#size),
    );
    const to = pointer(
      f,
      1,
      own.map((stride) => stride * this.#size),
    );
    const columns = (vectors: readonly number[]): void => {
      const totals = vectors.map(() => [f.let('v128', this.#zero()), f.let('v128', this.#zero())]);
      const add = (at: number): void => {
        vectors.forEach((used, i) => {
          const value = f.let('v128', loadLanes(f, dtype, lanes, used, at, 16 * i));
          this.#addHalves(totals[i], () => f.get(value));
        });
      };
      if (dtype === 'float64') this.#inBlocks(from, add, totals);
      else this.#overReduced(this.#reduced, from, add);
      vectors.forEach((used, i) => {
        storeLanes(f, dtype, lanes, used, to.local, 16 * i, this.#rounded(totals[i]));
      });
    };
    const wide = vectorsOfLine * lanes;
    const whole = Math.floor(last.extent / wide);
    const rest = last.extent % wide;
    nest(
      f,
      outer.map(({ extent }) => extent),
      [from, to],
      () => {
        if (whole > 0) {
          f.count(whole, 1, () => {
            columns(new Array<number>(vectorsOfLine).fill(lanes));
            f.advance(from.local, 16 * vectorsOfLine);
            f.advance(to.local, 16 * vectorsOfLine);
          });
        }
        const vectors = Array.from({ length: Math.ceil(rest / lanes) }, (_, i) =>
          Math.min(lanes, rest - i * lanes),
        );
        if (rest > 0) columns(vectors);
        f.advance(from.local, -16 * vectorsOfLine * whole);
        f.advance(to.local, -16 * vectorsOfLine * whole);
      },
    );
  }

  #zero(): Emit {
    return () => this.#f.simd(simd.constant, ...new Array<number>(16).fill(0));
  }

  /** Adds a vector to two of float64 (one alone, where it is of float64 itself). */
  #addHalves([low, high]: readonly number[], value: Emit): void {
    const f = this.#f;
    const add = (total: number, part: Emit): void => {
      f.get(total);
      part();
      f.simd(240);
      f.set(total);
    };
    if (this.#kernel.dtype === 'float64') {
      add(low, value);
      return;
    }
    const upper = [8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15];
    add(low, () => {
      value();
      f.simd(simd.promoteLow);
    });
    add(high, () => {
      value();
      value();
      f.simd(simd.shuffle, ...upper);
      f.simd(simd.promoteLow);
    });
  }

  /** Blocks are summed by themselves: float64 has no wider type whose roundings would not count. */
  #inBlocks(from: Pointer, add: (at: number) => void, sums: readonly (readonly number[])[]): void {
    const f = this.#f;
    const [first, ...rest] = this.#reduced;
    if (first === undefined) {
      add(from.local);
      return;
    }
    const stride = first.stride * this.#size;
    const walk = pointer(f, from.local, [blockLength * stride]);
    const one = (extent: number): void => {
      this.#overReduced([{ ...first, extent }, ...rest], walk, add);
      for (const [block, total] of sums) {
        f.get(total);
        f.get(block);
        f.simd(240);
        f.set(total);
        this.#zero()();
        f.set(block);
      }
    };
    const whole = Math.floor(first.extent / blockLength);
    if (whole > 0) {
      f.count(whole, 1, () => {
        one(blockLength);
        f.advance(walk.local, blockLength * stride);
      });
    }
    if (first.extent % blockLength > 0) one(first.extent % blockLength);
  }

  #rounded([low, high]: readonly number[]): Emit {
    const f = this.#f;
    return () => {
      f.get(low);
      if (this.#kernel.dtype === 'float64') {
        f.get(high);
        f.simd(240);
        return;
      }
      f.simd(simd.demote);
      f.get(high);
      f.simd(simd.demote);
      f.simd(simd.shuffle, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23);
    };
  }

  /** One result of elements that lie side by side, or of no axis at all. */
  #sumLine(from: Pointer, to: Pointer): void {
    const f = this.#f;
    const { dtype } = this.#kernel;
    const lanes = 16 / this.#size;
    const last = this.#reduced.at(-1);
    const length = last?.extent ?? 1;
    const totals = [f.let('v128', this.#zero()), f.let('v128', this.#zero())];
    this.#overReduced(this.#reduced.slice(0, -1), from, (at) => {
      const line = pointer(f, at, []).local;
      const vector = (used: number): void => {
        const value = f.let('v128', loadLanes(f, dtype, lanes, used, line, 0));
        this.#addHalves(totals, () => f.get(value));
      };
      const whole = Math.floor(length / lanes);
      if (whole > 0) {
        f.count(whole, 1, () => {
          vector(lanes);
          f.advance(line, 16);
        });
      }
      if (length % lanes > 0) vector(length % lanes);
    });
    f.get(to.local);
    for (const total of totals) {
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

  /** One result, number by number. */
  #plain(from: Pointer, to: Pointer): void {
    const { op, dtype } = this.#kernel;
    if (op === 'argMax') this.#argMax(from, to);
    else if (dtype === 'float32' || dtype === 'float64') this.#maxOfFloats(from, to);
    else this.#ofIntegers(from, to);
  }

  #number(at: number): void {
    const opcode = { float32: 0x2a, float64: 0x2b, int32: 0x28, bool: 0x2d };
    this.#f.get(at);
    this.#f.memory(opcode[this.#kernel.dtype]);
  }

  #maxOfFloats(from: Pointer, to: Pointer): void {
    const f = this.#f;
    const single = this.#kernel.dtype === 'float32';
    const best = f.let(single ? 'f32' : 'f64', () =>
      single ? f.f32(Number.NEGATIVE_INFINITY) : f.f64(Number.NEGATIVE_INFINITY),
    );
    this.#overReduced(this.#reduced, from, (at) => {
      f.get(best);
      this.#number(at);
      f.op(single ? 0x97 : 0xa5);
      f.set(best);
    });
    f.get(to.local);
    f.get(best);
    f.memory(single ? 0x38 : 0x39);
  }

  #ofIntegers(from: Pointer, to: Pointer): void {
    const f = this.#f;
    const sum = this.#kernel.op === 'sum';
    const total = f.let('i32', () => f.i32(sum ? 0 : -(2 ** 31)));
    this.#overReduced(this.#reduced, from, (at) => {
      const value = f.let('i32', () => this.#number(at));
      f.get(total);
      f.get(value);
      if (sum) f.op(0x6a);
      else {
        f.get(total);
        f.get(value);
        f.op(0x4a, 0x1b);
      }
      f.set(total);
    });
    f.get(to.local);
    f.get(total);
    f.memory(this.#kernel.dtype === 'bool' ? 0x3a : 0x36);
  }

  /** Index of the first largest; NaN counts as largest. */
  #argMax(from: Pointer, to: Pointer): void {
    const f = this.#f;
    const { dtype } = this.#kernel;
    const type = { float32: 'f32', float64: 'f64', int32: 'i32', bool: 'i32' } as const;
    const greater = { float32: 0x5e, float64: 0x64, int32: 0x4a, bool: 0x4a };
    const equal = { float32: 0x5b, float64: 0x61, int32: 0x46, bool: 0x46 };
    const best = f.let(type[dtype], () => this.#number(from.local));
    const at = f.let('i32', () => f.i32(0));
    const index = f.let('i32', () => f.i32(0));
    this.#overReduced(this.#reduced, from, (element) => {
      const value = f.let(type[dtype], () => this.#number(element));
      // larger, or NaN where none was before
      f.if(
        () => {
          f.get(value);
          f.get(best);
          f.op(greater[dtype]);
          f.get(value);
          f.get(value);
          f.op(equal[dtype], 0x45);
          f.get(best);
          f.get(best);
          f.op(equal[dtype], 0x71, 0x72);
        },
        () => {
          f.get(value);
          f.set(best);
          f.get(index);
          f.set(at);
        },
      );
      f.advance(index, 1);
    });
    f.get(to.local);
    f.get(at);
    f.memory(0x36);
  }
}
