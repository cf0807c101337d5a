/** Code that works on memory: elements and rows of blocks, kernels called on them, and the plan of where blocks lie. */
import {
  type Block,
  bytesPerElement,
  type DType,
  type Num,
  type Spec,
  sizeOf,
} from '@neuralode/tensor';
import type { FunctionWriter } from '../wasm/function-writer.ts';
import type { ModuleWriter } from '../wasm/module-writer.ts';
import type { SharedCalls } from '../threads/shared-calls.ts';
import { type SplitKernel, splitKernel } from '../threads/split-kernel.ts';
import { Arena } from '../arena.ts';
import type { PartOperand } from './emit-node.ts';
import { type Kernel, KernelLibrary } from './library.ts';
import { MemoryBlock } from './memory-block.ts';
import { DynamicNumber, pushNumber } from './number-code.ts';

/** Numbers to be put in place before the first run: where, in bytes from the start of the lasting memory, and which. */
export interface NumberTable {
  readonly at: number;
  readonly values: readonly number[];
}

function bytesOf({ shape, dtype }: Spec): number {
  return sizeOf(shape) * bytesPerElement(dtype as DType);
}

export class MemoryCode {
  readonly #f: FunctionWriter;
  readonly #library: KernelLibrary;
  readonly #arena = new Arena();
  /** Memory that is never given back: its contents may be made earlier in the program than they are asked for. */
  readonly #lasting = new Arena();
  readonly #arenaBase: number;
  readonly #lastingBase: number;
  readonly #shared: SharedCalls | undefined;
  readonly tables: NumberTable[] = [];

  /**
   * @param bases parameters of `f` that hold the addresses of the arena and of the lasting memory
   * @param shared calls whose work other threads take part in, where there are any
   */
  constructor(
    f: FunctionWriter,
    module: ModuleWriter,
    fused: boolean,
    bases: { readonly arena: number; readonly lasting: number },
    shared: SharedCalls | undefined,
  ) {
    this.#f = f;
    this.#shared = shared;
    this.#library = new KernelLibrary(module, fused);
    this.#arenaBase = bases.arena;
    this.#lastingBase = bases.lasting;
  }

  /** Kernels called so far, each counted once. */
  get kernels(): number {
    return this.#library.size;
  }

  get arenaBytes(): number {
    return this.#arena.peak;
  }

  get lastingBytes(): number {
    return this.#lasting.peak;
  }

  /** A block of the arena, until `give`. */
  take(spec: Spec): MemoryBlock {
    return new MemoryBlock(spec, this.#arenaBase, this.#arena.take(bytesOf(spec)));
  }

  give(block: MemoryBlock): void {
    this.#arena.give(block.offset, bytesOf(block));
  }

  element(block: Block, index: Num = 0): Num {
    const f = this.#f;
    const { dtype } = block;
    const at = this.#at(block as MemoryBlock, index, bytesPerElement(dtype as DType), {
      shape: [],
      dtype,
    });
    const local = f.let('f64', () => {
      f.get(at.base);
      const load = { float32: 0x2a, float64: 0x2b, int32: 0x28, bool: 0x2d }[dtype as DType];
      f.memory(load, at.offset);
      if (dtype === 'float32') f.op(0xbb);
      else if (dtype !== 'float64') f.op(0xb7);
    });
    return new DynamicNumber(local);
  }

  row(stack: Block, index: Num): MemoryBlock {
    const spec = { shape: stack.shape.slice(1), dtype: stack.dtype };
    return this.#at(stack as MemoryBlock, index, bytesOf(spec), spec);
  }

  /** What lies `index` times `bytes` into a block. */
  #at(block: MemoryBlock, index: Num, bytes: number, spec: Spec): MemoryBlock {
    if (typeof index === 'number') return block.as(spec, index * bytes);
    const f = this.#f;
    const base = f.let('i32', () => {
      f.get(block.base);
      pushNumber(f, index);
      f.op(0xaa);
      f.i32(bytes);
      f.op(0x6c, 0x6a);
    });
    return new MemoryBlock(spec, base, block.offset);
  }

  copy(from: Block, to: Block): void {
    const shape = [sizeOf(to.shape)];
    const { dtype } = to as MemoryBlock;
    const plan = { kind: 'copy', dtype, shape, fromStart: 0, toStart: 0 } as const;
    this.call(
      { ...plan, fromStrides: [1], toStrides: [1] },
      from as MemoryBlock,
      to as MemoryBlock,
    );
  }

  fill(block: MemoryBlock, value: number): void {
    const { dtype, shape } = block;
    const member = { op: 'identity', dtype, inputs: [{ constant: value }], inputTypes: [dtype] };
    const plan = { operands: [], members: [member], stored: [0], sums: [] };
    this.call({ kind: 'elementwise', shape: [sizeOf(shape)], ...plan }, block);
  }

  combine(weights: readonly Num[], blocks: readonly Block[], to: Block): void {
    const { shape } = to;
    const { dtype } = to as MemoryBlock;
    const scalars: MemoryBlock[] = [];
    const members: {
      op: string;
      dtype: DType;
      inputs: ({ operand: number } | { constant: number } | { member: number })[];
      inputTypes: DType[];
    }[] = [];
    const types = [dtype, dtype];
    blocks.forEach((_, i) => {
      const weight = weights[i];
      const factor =
        typeof weight === 'number'
          ? { constant: weight }
          : { operand: blocks.length + scalars.push(this.scalar(weight, dtype)) - 1 };
      members.push({ op: 'mul', dtype, inputs: [{ operand: i }, factor], inputTypes: types });
      const product = members.length - 1;
      if (i === 0) return;
      const before = i === 1 ? 0 : product - 1;
      members.push({
        op: 'add',
        dtype,
        inputs: [{ member: before }, { member: product }],
        inputTypes: types,
      });
    });
    const operands = [
      ...blocks.map(() => ({ dtype, strides: [1] })),
      ...scalars.map(() => ({ dtype, strides: [0] })),
    ];
    const plan = { operands, members, stored: [members.length - 1], sums: [] };
    const all = [...(blocks as MemoryBlock[]), ...scalars, to as MemoryBlock];
    this.call({ kind: 'elementwise', shape: [sizeOf(shape)], ...plan }, ...all);
    for (const scalar of scalars) this.give(scalar);
  }

  /** A number as a scalar in memory. */
  scalar(value: Num, dtype: DType): MemoryBlock {
    const block = this.take({ shape: [], dtype });
    this.store(value, block);
    return block;
  }

  store(value: Num, scalar: Block): void {
    const f = this.#f;
    const { base, offset, dtype } = scalar as MemoryBlock;
    f.get(base);
    pushNumber(f, value);
    if (dtype === 'float32') f.op(0xb6);
    if (dtype === 'int32') f.op(0xaa);
    f.memory({ float32: 0x38, float64: 0x39, int32: 0x36, bool: 0x3a }[dtype], offset);
  }

  /** Numbers known when compiling, to be read by index. */
  table(values: readonly number[]): (index: Num) => Num {
    const at = this.#lasting.take(8 * values.length);
    this.tables.push({ at, values });
    const block = new MemoryBlock(
      { shape: [values.length], dtype: 'float64' },
      this.#lastingBase,
      at,
    );
    return (index) => this.element(block, index);
  }

  /** Threads that take part in the program's work. */
  get threads(): number {
    return this.#shared?.threads ?? 1;
  }

  call(kernel: Kernel, ...blocks: readonly MemoryBlock[]): void {
    const split = this.threads > 1 ? splitKernel(kernel, this.threads) : undefined;
    if (split !== undefined) this.#share(split, blocks);
    else this.#callAt(this.#library.indexOf(kernel), blocks);
  }

  /** Calls a kernel for each of so many parts; one part is a plain call. */
  callParts(parts: number, kernel: Kernel, operands: readonly PartOperand[]): void {
    const blocks = operands.map((each) => (each instanceof MemoryBlock ? each : each.whole));
    const steps = operands.map((each) => (each instanceof MemoryBlock ? bytesOf(each) / parts : 0));
    if (parts === 1) this.#callAt(this.#library.indexOf(kernel), blocks);
    else this.#share({ parts, kernel, steps }, blocks);
  }

  #callAt(index: number, blocks: readonly MemoryBlock[]): void {
    for (const block of blocks) block.push(this.#f);
    this.#f.call(index);
  }

  #share({ parts, kernel, steps }: SplitKernel, blocks: readonly MemoryBlock[]): void {
    const index = this.#library.indexOf(kernel);
    this.#shared?.call(this.#f, index, parts, steps, (i) => blocks[i].push(this.#f));
  }

  /** A block of the lasting memory. */
  keep(spec: Spec): MemoryBlock {
    return new MemoryBlock(spec, this.#lastingBase, this.#lasting.take(bytesOf(spec)));
  }
}
