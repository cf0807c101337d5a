/**
 * A matrix product [m, k] × [k, n] with whatever elementwise expression follows it, in registers.
 *
 * Tiles of eight vectors, two rows by four or four by two, are summed in registers. A matrix is given by its strides, so a
 * transposed one is no copy; where neighbouring columns of b do not lie side by side (or are far apart in a large b),
 * a panel of it is first put in order. Products with too few columns for a vector are sums along k instead, and where
 * both a is transposed and b is narrow the transposed product is made.
 */
import type { DType, FloatDType } from '@neuralode/tensor';
import type { Lanes } from '../vector/lanes.ts';
import type { Emit } from '../wasm/function-writer.ts';
import { FunctionWriter } from '../wasm/function-writer.ts';
import { simd } from '../wasm/simd-opcodes.ts';
import { bytesOf, loadLanes, loadSplat, storeLanes } from './elements.ts';
import { Evaluator, type Member } from './expression.ts';
import { nest, pointer } from './nest.ts';

/** How an operand of the expression lies to the product: an element each, one a column, one a row, or one for all. */
export type Pattern = 'full' | 'row' | 'column' | 'scalar';

/** The extents and strides (in elements) of one product. */
export interface MatMulShape {
  readonly dtype: FloatDType;
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly aRow: number;
  readonly aColumn: number;
  readonly bRow: number;
  readonly bColumn: number;
  /** Products beside each other: their extents, and the strides of a and b from one to the next. */
  readonly batch: readonly number[];
  readonly aBatch: readonly number[];
  readonly bBatch: readonly number[];
}

/** Parameters of the function: the addresses of a, b, the operands, the results, and scratch. */
export interface MatMulKernel extends MatMulShape {
  readonly kind: 'matMul';
  /** Operands of the expression; its operand 0 is the product, the others are these. */
  readonly operands: readonly { readonly dtype: DType; readonly pattern: Pattern }[];
  readonly members: readonly Member[];
  /** Members whose values are stored; −1 is the product itself. */
  readonly stored: readonly number[];
}

/** Along what a product's vectors lie. */
export type Orientation = 'columns' | 'rows' | 'sums';

/** Rows that are summed beside each other where a tile is this many vectors wide: more sums would not fit in registers. */
const rowsByVectors = [0, 6, 4, 2, 2];
const vectorsPerTile = 4;
/** Rows beside each other where the vectors lie along k. */
const rowsOfSums = 4;

function lanesOf(dtype: FloatDType): 4 | 2 {
  return dtype === 'float32' ? 4 : 2;
}

export function orientationOf({ dtype, m, n, aRow, aColumn }: MatMulShape): Orientation {
  const lanes = lanesOf(dtype);
  if (n >= lanes) return 'columns';
  return aRow === 1 && aColumn !== 1 && m >= lanes ? 'rows' : 'sums';
}

/** Whether columns of b are copied to scratch, panel by panel. */
function packs({ dtype, m, k, n, bColumn }: MatMulShape): boolean {
  return bColumn !== 1 || (m >= 32 && k * n * bytesOf(dtype) > 16384);
}

/** Bytes of scratch that a product needs. */
export function scratchBytes(shape: MatMulShape): number {
  const { dtype, k, n, bRow } = shape;
  const size = bytesOf(dtype);
  switch (orientationOf(shape)) {
    case 'columns':
      return packs(shape) ? k * 16 * vectorsPerTile : 0;
    case 'sums':
      return bRow === 1 ? 0 : k * n * size;
    case 'rows':
      return 0;
  }
}

export function matMulFunction(kernel: MatMulKernel, fused: boolean): FunctionWriter {
  const scratch = scratchBytes(kernel) > 0 ? 1 : 0;
  const count = 2 + kernel.operands.length + kernel.stored.length + scratch;
  const f = new FunctionWriter(new Array(count).fill('i32'));
  new MatMulWriter(f, kernel, fused).write();
  return f;
}

class MatMulWriter {
  readonly #f: FunctionWriter;
  readonly #kernel: MatMulKernel;
  readonly #evaluator: Evaluator;
  readonly #v: Lanes;
  readonly #lanes: number;
  readonly #size: number;
  /** Addresses of the matrices of the product at hand; the results' move along with the batch. */
  #a = 0;
  #b = 1;
  readonly #results: number[];
  readonly #scratch: number;

  constructor(f: FunctionWriter, kernel: MatMulKernel, fused: boolean) {
    this.#f = f;
    this.#kernel = kernel;
    this.#lanes = lanesOf(kernel.dtype);
    this.#size = bytesOf(kernel.dtype);
    this.#evaluator = new Evaluator(f, lanesOf(kernel.dtype), fused);
    this.#v = this.#evaluator[kernel.dtype];
    const first = 2 + kernel.operands.length;
    this.#results = kernel.stored.map((_, i) => first + i);
    this.#scratch = first + kernel.stored.length;
  }

  write(): void {
    const { batch, aBatch, bBatch, m, n } = this.#kernel;
    if (batch.length === 0) {
      this.#product();
      return;
    }
    const f = this.#f;
    const bytes = (strides: readonly number[]): number[] => strides.map((s) => s * this.#size);
    const own = batch.map((_, i) => batch.slice(i + 1).reduce((a, b) => a * b, m * n));
    const a = pointer(f, 0, bytes(aBatch));
    const b = pointer(f, 1, bytes(bBatch));
    const out = pointer(f, this.#results[0], bytes(own));
    this.#a = a.local;
    this.#b = b.local;
    this.#results[0] = out.local;
    nest(f, batch, [a, b, out], () => this.#product());
  }

  #product(): void {
    const { m, n } = this.#kernel;
    if (m === 0 || n === 0) return;
    switch (orientationOf(this.#kernel)) {
      case 'columns':
        this.#alongColumns();
        break;
      case 'rows':
        this.#alongRows();
        break;
      case 'sums':
        this.#alongSums();
        break;
    }
  }

  /** Runs `body` for tiles of `step`, then for what remains: with a local that holds where the tile begins. */
  #tiles(total: number, step: number, body: (at: number, size: number) => void): void {
    const f = this.#f;
    const whole = total - (total % step);
    if (whole > 0) f.count(whole, step, (index) => body(index, step));
    if (total > whole) {
      const index = f.let('i32', () => f.i32(whole));
      body(index, total - whole);
    }
  }

  /** address + index · stride (in elements). */
  #offset(address: number, index: number, stride: number): number {
    const f = this.#f;
    return f.let('i32', () => {
      f.get(address);
      f.get(index);
      f.i32(stride * this.#size);
      f.op(0x6c, 0x6a);
    });
  }

  /** How many elements of a stretch of `size` fall in each of its vectors. */
  #vectors(size: number): number[] {
    const lanes = this.#lanes;
    return Array.from({ length: Math.ceil(size / lanes) }, (_, i) =>
      Math.min(lanes, size - i * lanes),
    );
  }

  #alongColumns(): void {
    const { m, n, aRow, aColumn, bRow, bColumn } = this.#kernel;
    const packed = packs(this.#kernel);
    const width = vectorsPerTile * this.#lanes;
    this.#tiles(n, width, (column, columns) => {
      const vectors = this.#vectors(columns);
      let b = this.#offset(this.#b, column, bColumn);
      if (packed) {
        this.#pack(b, columns, width);
        b = this.#scratch;
      }
      this.#tiles(m, rowsByVectors[vectors.length], (row, rows) => {
        const a = this.#offset(this.#a, row, aRow);
        const step = packed ? width : bRow;
        const sums = this.#sumTile({
          rows,
          vectors,
          scalars: a,
          row: aRow,
          along: aColumn,
          b,
          step,
        });
        this.#finish(sums, rows, vectors, row, column);
      });
    });
  }

  /** Copies a panel of b, k rows of `columns`, to rows of `width` in scratch. */
  #pack(b: number, columns: number, width: number): void {
    const { k, bRow, bColumn, dtype } = this.#kernel;
    const f = this.#f;
    const from = pointer(f, b, [bRow * this.#size]);
    const to = pointer(f, this.#scratch, [width * this.#size]);
    nest(f, [k], [from, to], () => {
      if (bColumn === 1) {
        this.#vectors(columns).forEach((used, i) => {
          const value = loadLanes(f, dtype, this.#lanes, used, from.local, i * 16);
          storeLanes(f, dtype, this.#lanes, this.#lanes, to.local, i * 16, value);
        });
        return;
      }
      for (let column = 0; column < columns; column++) {
        this.#copyNumber(from.local, column * bColumn, to.local, column);
      }
    });
  }

  #copyNumber(from: number, fromElement: number, to: number, toElement: number): void {
    const f = this.#f;
    const single = this.#size === 4;
    f.get(to);
    f.get(from);
    f.memory(single ? 0x2a : 0x2b, fromElement * this.#size);
    f.memory(single ? 0x38 : 0x39, toElement * this.#size);
  }

  /**
   * Sums of one tile: for each row and vector, Σₚ scalar(row, p) · b(p, vector). `row` and `along` are the strides of the
   * scalars from row to row and along p; `step` that of b along p.
   */
  #sumTile(tile: {
    rows: number;
    vectors: readonly number[];
    scalars: number;
    row: number;
    along: number;
    b: number;
    step: number;
  }): number[][] {
    const { rows, vectors } = tile;
    const { k, dtype } = this.#kernel;
    const f = this.#f;
    const zero = this.#v.splat(0);
    const sums = Array.from({ length: rows }, () => vectors.map(() => f.let('v128', zero)));
    const scalars = pointer(f, tile.scalars, []);
    const b = pointer(f, tile.b, []);
    const turn = (p: number): void => {
      const right = vectors.map((used, i) => {
        const at = p * tile.step * this.#size + i * 16;
        return this.#v.let(loadLanes(f, dtype, this.#lanes, used, b.local, at));
      });
      for (let r = 0; r < rows; r++) {
        const at = (r * tile.row + p * tile.along) * this.#size;
        const left = this.#v.let(loadSplat(f, dtype, this.#lanes, scalars.local, at));
        vectors.forEach((_, i) => {
          const sum = sums[r][i];
          this.#v.madd(left, right[i], () => f.get(sum))();
          f.set(sum);
        });
      }
    };
    this.#alongK(k, 1, turn, (count) => {
      f.advance(scalars.local, count * tile.along * this.#size);
      f.advance(b.local, count * tile.step * this.#size);
    });
    return sums;
  }

  /** A loop of `total` turns, some at a time; `turn` is told which of those beside each other it is. */
  #alongK(
    total: number,
    each: number,
    turn: (p: number) => void,
    advance: (count: number) => void,
  ): void {
    const f = this.#f;
    // more turns beside each other, and the engine loads all their operands at once, and runs out of registers
    const beside = total <= 2 ? total : 1;
    const several = (): void => {
      for (let p = 0; p < beside; p++) turn(p * each);
    };
    if (total <= beside) {
      several();
      return;
    }
    f.count(total / beside, 1, () => {
      several();
      advance(beside * each);
    });
  }

  /** Evaluates the expression on a tile and stores what is asked for. */
  #finish(
    sums: readonly number[][],
    rows: number,
    vectors: readonly number[],
    row: number,
    column: number,
  ): void {
    const f = this.#f;
    const { n, operands, members, stored } = this.#kernel;
    const flat = f.let('i32', () => {
      f.get(row);
      f.i32(n);
      f.op(0x6c);
      f.get(column);
      f.op(0x6a);
    });
    const index = { full: flat, row: column, column: row };
    const starts = operands.map(({ pattern, dtype }, i) =>
      pattern === 'scalar' ? 2 + i : this.#element(2 + i, index[pattern], bytesOf(dtype)),
    );
    const results = stored.map((member, i) => {
      const size = member < 0 ? this.#size : bytesOf(members[member].dtype);
      return this.#element(this.#results[i], flat, size);
    });
    for (let r = 0; r < rows; r++) {
      vectors.forEach((used, i) => {
        const at = { full: r * n + i * this.#lanes, row: i * this.#lanes, column: r };
        const loaded = operands.map(({ pattern, dtype }, o) =>
          this.#load(dtype, pattern, starts[o], at, used),
        );
        const product: Emit = () => f.get(sums[r][i]);
        this.#store(product, loaded, results, at.full, used);
      });
    }
  }

  #element(address: number, index: number, size: number): number {
    const f = this.#f;
    return f.let('i32', () => {
      f.get(address);
      f.get(index);
      f.i32(size);
      f.op(0x6c, 0x6a);
    });
  }

  #load(
    dtype: DType,
    pattern: Pattern,
    start: number,
    at: { full: number; row: number; column: number },
    used: number,
  ): Emit {
    const f = this.#f;
    if (pattern === 'scalar') {
      const value = loadSplat(f, dtype, this.#lanes, start);
      const kept = f.once(`scalar ${start}`, 'v128', value);
      return () => f.get(kept);
    }
    const offset = at[pattern] * bytesOf(dtype);
    return pattern === 'column'
      ? loadSplat(f, dtype, this.#lanes, start, offset)
      : loadLanes(f, dtype, this.#lanes, used, start, offset);
  }

  #store(
    product: Emit,
    loaded: readonly Emit[],
    results: readonly number[],
    at: number,
    used: number,
  ): void {
    const { members, stored, dtype } = this.#kernel;
    const operand = (i: number): Emit => (i === 0 ? product : loaded[i - 1]);
    const values = this.#evaluator.evaluate(members, operand, used);
    stored.forEach((member, i) => {
      const type = member < 0 ? dtype : members[member].dtype;
      const value = member < 0 ? product : values[member];
      storeLanes(this.#f, type, this.#lanes, used, results[i], at * bytesOf(type), value);
    });
  }

  /** The transposed product: vectors along the rows of the result, stored number by number. Has no expression. */
  #alongRows(): void {
    const { m, n, aColumn, bRow, bColumn } = this.#kernel;
    // as many rows of the tile as the product has columns, three at most
    this.#tiles(m, 2 * this.#lanes, (row, rows) => {
      const vectors = this.#vectors(rows);
      const a = this.#offset(this.#a, row, 1);
      const scalars = this.#b;
      const sums = this.#sumTile({
        rows: n,
        vectors,
        scalars,
        row: bColumn,
        along: bRow,
        b: a,
        step: aColumn,
      });
      const out = this.#offset(this.#results[0], row, n);
      for (let column = 0; column < n; column++) {
        vectors.forEach((used, i) => {
          for (let lane = 0; lane < used; lane++) {
            this.#f.get(out);
            this.#f.get(sums[column][i]);
            const offset = ((i * this.#lanes + lane) * n + column) * this.#size;
            const opcode = this.#size === 4 ? simd.store32Lane : simd.store64Lane;
            this.#f.simdMemory(opcode, offset, lane);
          }
        });
      }
    });
  }

  /** Vectors along k, for fewer columns than a vector holds: every element of the result is a sum of lanes. */
  #alongSums(): void {
    const { m, n, bRow, bColumn } = this.#kernel;
    let b = this.#b;
    let bStride = bColumn;
    if (bRow !== 1) {
      this.#packColumns();
      b = this.#scratch;
      bStride = this.#kernel.k;
    }
    this.#tiles(m, rowsOfSums, (row, rows) => {
      const sums = this.#sumLanes(row, rows, b, bStride);
      const flat = this.#f.let('i32', () => {
        this.#f.get(row);
        this.#f.i32(n);
        this.#f.op(0x6c);
      });
      this.#finishSums(sums, rows * n, row, flat);
    });
  }

  #packColumns(): void {
    const { k, n, bRow, bColumn } = this.#kernel;
    const f = this.#f;
    const from = pointer(f, this.#b, [bRow * this.#size]);
    const to = pointer(f, this.#scratch, [this.#size]);
    nest(f, [k], [from, to], () => {
      for (let column = 0; column < n; column++) {
        this.#copyNumber(from.local, column * bColumn, to.local, column * k);
      }
    });
  }

  /** One vector of partial sums for each row and column of a tile. */
  #sumLanes(row: number, rows: number, bStart: number, bStride: number): number[] {
    const { k, n, aRow, aColumn, dtype } = this.#kernel;
    const f = this.#f;
    const lanes = this.#lanes;
    const zero = this.#v.splat(0);
    const sums = Array.from({ length: rows * n }, () => f.let('v128', zero));
    const a = this.#offset(this.#a, row, aRow);
    const b = pointer(f, bStart, []).local;
    const turn = (p: number, used: number): void => {
      const right = Array.from({ length: n }, (_, column) => {
        const at = (p + column * bStride) * this.#size;
        return this.#v.let(loadLanes(f, dtype, lanes, used, b, at));
      });
      for (let r = 0; r < rows; r++) {
        const left = this.#v.let(this.#alongA(a, r * aRow + p * aColumn, aColumn, used));
        right.forEach((each, column) => {
          const sum = sums[r * n + column];
          this.#v.madd(left, each, () => f.get(sum))();
          f.set(sum);
        });
      }
    };
    const whole = Math.floor(k / lanes);
    this.#alongK(
      whole,
      lanes,
      (p) => turn(p, lanes),
      (count) => {
        f.advance(a, count * aColumn * this.#size);
        f.advance(b, count * this.#size);
      },
    );
    const beside = whole <= 2 ? whole * lanes : 0;
    if (k % lanes > 0) turn(beside, k % lanes);
    return sums;
  }

  /** Neighbours of a row of a, which need not lie side by side. */
  #alongA(address: number, element: number, stride: number, used: number): Emit {
    const f = this.#f;
    const { dtype } = this.#kernel;
    if (stride === 1) return loadLanes(f, dtype, this.#lanes, used, address, element * this.#size);
    const vector = f.let('v128', () => this.#v.splat(0)());
    for (let lane = 0; lane < used; lane++) {
      f.get(address);
      f.get(vector);
      const opcode = this.#size === 4 ? simd.load32Lane : simd.load64Lane;
      f.simdMemory(opcode, (element + lane * stride) * this.#size, lane);
      f.set(vector);
    }
    return () => f.get(vector);
  }

  /** Adds up lanes, a vector of results at a time, and goes on as with any tile. */
  #finishSums(sums: readonly number[], total: number, row: number, flat: number): void {
    const f = this.#f;
    const { operands, members, stored, n } = this.#kernel;
    const starts = operands.map(({ pattern, dtype }, i) => {
      if (pattern === 'full') return this.#element(2 + i, flat, bytesOf(dtype));
      return pattern === 'column' ? this.#element(2 + i, row, bytesOf(dtype)) : 2 + i;
    });
    const results = stored.map((member, i) => {
      const size = member < 0 ? this.#size : bytesOf(members[member].dtype);
      return this.#element(this.#results[i], flat, size);
    });
    for (let at = 0; at < total; at += this.#lanes) {
      const used = Math.min(this.#lanes, total - at);
      const part = Array.from({ length: this.#lanes }, (_, i) => sums[Math.min(at + i, total - 1)]);
      const product = this.#v.let(this.#acrossLanes(part));
      const loaded = operands.map(({ pattern, dtype }, o): Emit => {
        if (pattern === 'scalar') {
          return this.#load(dtype, pattern, starts[o], { full: 0, row: 0, column: 0 }, used);
        }
        if (pattern === 'full') {
          return loadLanes(f, dtype, this.#lanes, used, starts[o], at * bytesOf(dtype));
        }
        const places = Array.from({ length: used }, (_, i) =>
          pattern === 'row' ? (at + i) % n : Math.floor((at + i) / n),
        );
        return this.#gatherLanes(dtype, starts[o], places);
      });
      this.#store(product, loaded, results, at, used);
    }
  }

  /** Elements at `places`, lane by lane. */
  #gatherLanes(dtype: DType, address: number, places: readonly number[]): Emit {
    const f = this.#f;
    if (dtype === 'bool') throw new Error('booleans are not gathered');
    const vector = f.let('v128', () => this.#v.splat(0)());
    const size = bytesOf(dtype);
    places.forEach((place, lane) => {
      f.get(address);
      f.get(vector);
      f.simdMemory(size === 4 ? simd.load32Lane : simd.load64Lane, place * size, lane);
      f.set(vector);
    });
    return () => f.get(vector);
  }

  /** The sum of each vector's lanes, side by side. */
  #acrossLanes(sums: readonly number[]): Emit {
    const v = this.#v;
    const read = sums.map(
      (sum): Emit =>
        () =>
          this.#f.get(sum),
    );
    const pick = (a: Emit, b: Emit, words: readonly number[]): Emit =>
      v.shuffle(
        a,
        b,
        words.flatMap((word) => [0, 1, 2, 3].map((byte) => 4 * word + byte)),
      );
    const halves = (a: Emit, b: Emit): Emit =>
      v.let(v.add(pick(a, b, [0, 1, 4, 5]), pick(a, b, [2, 3, 6, 7])));
    const [first, second, third, fourth] = read;
    if (this.#lanes === 2) return halves(first, second);
    const low = halves(first, second);
    const high = halves(third, fourth);
    return v.add(pick(low, high, [0, 2, 4, 6]), pick(low, high, [1, 3, 5, 7]));
  }
}
