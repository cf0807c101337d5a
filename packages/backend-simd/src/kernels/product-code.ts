/** What the code of one matrix product shares, and what is done with a tile of it: the expression, and the stores. */
import type { DType } from '@neuralode/tensor';
import type { Lanes } from '../vector/lanes.ts';
import type { Emit, FunctionWriter } from '../wasm/function-writer.ts';
import { simd } from '../wasm/simd-opcodes.ts';
import { bytesOf, loadLanes, loadSplat, storeLanes } from './elements.ts';
import type { Evaluator } from './expression.ts';
import type { MatMulKernel, Pattern } from './mat-mul-shape.ts';
import { offset } from './nest.ts';

export interface ProductCode {
  readonly f: FunctionWriter;
  readonly kernel: MatMulKernel;
  readonly evaluator: Evaluator;
  readonly v: Lanes;
  /** Locals that hold addresses: of the two matrices, of the results, and of scratch. */
  readonly a: number;
  readonly b: number;
  readonly results: readonly number[];
  readonly scratch: number;
}

/** Where an element is, by how an operand lies: in elements from the tile's first. */
type Place = Readonly<Record<Exclude<Pattern, 'scalar'>, number>>;

const sizeOfResult = ({ kernel: { members, dtype } }: ProductCode, member: number): number =>
  bytesOf(member < 0 ? dtype : members[member].dtype);

/** The address of the first operand is that of parameter 2: behind those of the two matrices. */
const operandParameter = (index: number): number => 2 + index;

/** row · n, plus `column` where that is given: the place of an element, in a local. */
function flatIndex({ f, kernel: { n } }: ProductCode, row: number, column?: number): number {
  return f.let('i32', () => {
    f.get(row);
    f.i32(n);
    f.op(0x6c);
    if (column === undefined) return;
    f.get(column);
    f.op(0x6a);
  });
}

/** Addresses of the results from element `index` on. */
function resultsFrom(code: ProductCode, index: number): number[] {
  const { f, kernel, results } = code;
  return kernel.stored.map((member, i) => offset(f, results[i], index, sizeOfResult(code, member)));
}

/** Evaluates the expression on a tile of sums, whose first element is in `row` and `column`, and stores what is asked for. */
export function storeTile(
  code: ProductCode,
  sums: readonly (readonly number[])[],
  vectors: readonly number[],
  row: number,
  column: number,
): void {
  const { f, kernel, v } = code;
  const flat = flatIndex(code, row, column);
  const index = { full: flat, row: column, column: row };
  const starts = kernel.operands.map(({ pattern, dtype }, i) =>
    pattern === 'scalar'
      ? operandParameter(i)
      : offset(f, operandParameter(i), index[pattern], bytesOf(dtype)),
  );
  const results = resultsFrom(code, flat);
  sums.forEach((list, r) => {
    vectors.forEach((used, i) => {
      const at = { full: r * kernel.n + i * v.count, row: i * v.count, column: r };
      const loaded = kernel.operands.map(({ pattern, dtype }, o) =>
        loadOperand(code, dtype, pattern, starts[o], at, used),
      );
      storeResults(code, () => f.get(list[i]), loaded, results, at.full, used);
    });
  });
}

function loadOperand(
  { f, v }: ProductCode,
  dtype: DType,
  pattern: Pattern,
  start: number,
  at: Place,
  used: number,
): Emit {
  if (pattern === 'scalar') {
    const kept = f.once(`scalar ${start}`, 'v128', loadSplat(f, dtype, v.count, start));
    return () => f.get(kept);
  }
  const place = at[pattern] * bytesOf(dtype);
  return pattern === 'column'
    ? loadSplat(f, dtype, v.count, start, place)
    : loadLanes(f, dtype, v.count, used, start, place);
}

function storeResults(
  { f, kernel, evaluator, v }: ProductCode,
  product: Emit,
  loaded: readonly Emit[],
  results: readonly number[],
  at: number,
  used: number,
): void {
  const { members, stored, dtype } = kernel;
  const operand = (i: number): Emit => (i === 0 ? product : loaded[i - 1]);
  const values = evaluator.evaluate(members, operand, used);
  stored.forEach((member, i) => {
    const type = member < 0 ? dtype : members[member].dtype;
    const value = member < 0 ? product : values[member];
    storeLanes(f, type, v.count, used, results[i], at * bytesOf(type), value);
  });
}

/**
 * The same for vectors of partial sums, one for each of `total` elements that lie side by side from `row` on: their lanes are
 * added up, a vector of results at a time.
 */
export function storeSums(
  code: ProductCode,
  sums: readonly number[],
  total: number,
  row: number,
): void {
  const { f, kernel, v } = code;
  const flat = flatIndex(code, row);
  const starts = kernel.operands.map(({ pattern, dtype }, i) => {
    if (pattern === 'full') return offset(f, operandParameter(i), flat, bytesOf(dtype));
    if (pattern === 'column') return offset(f, operandParameter(i), row, bytesOf(dtype));
    return operandParameter(i);
  });
  const results = resultsFrom(code, flat);
  for (let at = 0; at < total; at += v.count) {
    const used = Math.min(v.count, total - at);
    const part = Array.from({ length: v.count }, (_, i) => sums[Math.min(at + i, total - 1)]);
    const product = v.let(acrossLanes(code, part));
    const loaded = kernel.operands.map(({ pattern, dtype }, o): Emit => {
      if (pattern === 'scalar') {
        return loadOperand(code, dtype, pattern, starts[o], { full: 0, row: 0, column: 0 }, used);
      }
      if (pattern === 'full') {
        return loadLanes(f, dtype, v.count, used, starts[o], at * bytesOf(dtype));
      }
      const places = Array.from({ length: used }, (_, i) =>
        pattern === 'row' ? (at + i) % kernel.n : Math.floor((at + i) / kernel.n),
      );
      return gatherLanes(code, dtype, starts[o], places);
    });
    storeResults(code, product, loaded, results, at, used);
  }
}

/** Elements at `places`, lane by lane. */
function gatherLanes(
  { f, v }: ProductCode,
  dtype: DType,
  address: number,
  places: readonly number[],
): Emit {
  if (dtype === 'bool') throw new Error('booleans are not gathered');
  const vector = f.let('v128', () => v.splat(0)());
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
function acrossLanes({ f, v }: ProductCode, sums: readonly number[]): Emit {
  const read = sums.map(
    (sum): Emit =>
      () =>
        f.get(sum),
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
  if (v.count === 2) return halves(first, second);
  const low = halves(first, second);
  const high = halves(third, fourth);
  return v.add(pick(low, high, [0, 2, 4, 6]), pick(low, high, [1, 3, 5, 7]));
}
