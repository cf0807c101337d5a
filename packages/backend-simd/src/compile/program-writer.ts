/**
 * Writes the main function of a program: what primitives say of themselves through `Lowering`, and the kernels of the
 * graphs between, with a plan of the memory that all of it needs.
 */
import {
  type Arithmetic,
  type Block,
  bytesPerElement,
  type DType,
  type FrameLayout,
  type Graph,
  type GraphNode,
  type Lowering,
  type Num,
  type Place,
  type PreparedGraph,
  type ProgramTape,
  type Spec,
  sizeOf,
  type Test,
  type Value,
  type Variable,
} from '@neuralode/tensor';
import { declareHost, hostIndex } from '../kernels/host-functions.ts';
import { orientationOf } from '../kernels/mat-mul.ts';
import { FunctionWriter, type Segment } from '../wasm/function-writer.ts';
import { ModuleWriter } from '../wasm/module-writer.ts';
import { Arena } from './arena.ts';
import { type GraphCode, GraphEmitter, type MatMulReading, readsOf } from './graph-emitter.ts';
import { type Kernel, KernelLibrary } from './library.ts';
import { MemoryBlock } from './memory-block.ts';
import { arithmeticOn, DynamicNumber, pushNumber, pushTest } from './number-code.ts';
import { TapeWriter } from './tape-writer.ts';
import { type MatMulUnit, UnitBuilder } from './units.ts';

/** A program as far as its module goes. */
export interface WrittenProgram {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Bytes of memory for everything but inputs, outputs and tapes. */
  readonly arenaBytes: number;
  /** Bytes of memory for what is computed once, and tables. */
  readonly lastingBytes: number;
  /** What `Lowering.call` calls, by number. */
  readonly calls: readonly ((...numbers: number[]) => void)[];
  /** Numbers to be put in place before the first run: where, in bytes from the start of the lasting memory, and which. */
  readonly tables: readonly { readonly at: number; readonly values: readonly number[] }[];
  readonly kernels: number;
}

function bytesOf({ shape, dtype }: Spec): number {
  return sizeOf(shape) * bytesPerElement(dtype as DType);
}

/** A node that turned out not to compile. */
export class NotCompiled extends Error {
  readonly node: GraphNode;
  readonly reason: string;

  constructor(node: GraphNode, reason: string) {
    super(`${node.primitive.name} does not compile: ${reason}`);
    this.node = node;
    this.reason = reason;
  }
}

/** Why a node does not compile, as far as it says itself. */
export function reasonAgainst({ primitive, attrs }: GraphNode): string | undefined {
  if (primitive.run === undefined) return undefined;
  if (primitive.lower === undefined) return 'it says only how to run kernel by kernel';
  return primitive.refuses?.(attrs);
}

/** How a prepared graph's constants are known to it. */
interface Preparation {
  readonly graph: Graph;
  readonly constants: ReadonlyMap<Value, MemoryBlock>;
  /** Nodes that depend on constants alone. */
  readonly hoisted: ReadonlySet<GraphNode>;
  /** Where their code goes, and where their results lie. */
  readonly before: Segment;
  readonly kept: Map<Value, MemoryBlock>;
  /** Matrices put in the order in which products read them. */
  readonly ordered: Map<string, MemoryBlock>;
}

export class ProgramWriter implements Lowering {
  readonly numbers: Arithmetic;
  readonly #f: FunctionWriter;
  readonly #module = new ModuleWriter();
  readonly #library: KernelLibrary;
  readonly #arena = new Arena();
  /** Memory that is never given back: its contents may be made earlier in the program than they are asked for. */
  readonly #lasting = new Arena();
  readonly #arenaBase: number;
  readonly #lastingBase: number;
  readonly #calls: ((...numbers: number[]) => void)[];
  readonly #tables: { at: number; values: readonly number[] }[] = [];
  readonly #tapes: TapeWriter;
  /** Blocks to give back at the end of the node that is being written. */
  #scope: MemoryBlock[] = [];
  /** The node of the graph itself that is being written, whatever loops inside it are. */
  #outermost: GraphNode | undefined;

  constructor(
    inputs: number,
    outputs: number,
    fused: boolean,
    calls: readonly ((...numbers: number[]) => void)[],
  ) {
    declareHost(this.#module);
    this.#library = new KernelLibrary(this.#module, fused);
    this.#calls = [...calls];
    this.#f = new FunctionWriter(new Array(inputs + outputs + 2).fill('i32'));
    this.#arenaBase = inputs + outputs;
    this.#lastingBase = inputs + outputs + 1;
    this.numbers = arithmeticOn(this.#f);
    this.#tapes = new TapeWriter(this.#f);
  }

  /** Writes the program of a whole graph. */
  writeGraph(graph: Graph): WrittenProgram {
    const parameter = (spec: Spec, local: number): MemoryBlock => new MemoryBlock(spec, local, 0);
    const inputs = graph.inputs.map(parameter);
    const count = inputs.length;
    const outputs = graph.outputs.map((spec, i) => parameter(spec, count + i));
    this.prepare(graph).run(inputs, outputs);
    this.#module.export(this.#module.add(this.#f));
    return {
      bytes: this.#module.bytes(),
      arenaBytes: this.#arena.peak,
      lastingBytes: this.#lasting.peak,
      calls: this.#calls,
      tables: this.#tables,
      kernels: this.#library.size,
    };
  }

  // Numbers and control

  variable(initial: Num): Variable {
    const f = this.#f;
    const local = f.let('f64', () => pushNumber(f, initial));
    return {
      get: () => new DynamicNumber(f.let('f64', () => f.get(local))),
      set: (value) => {
        pushNumber(f, value);
        f.set(local);
      },
    };
  }

  loop(test: () => Test, body: () => void): void {
    this.#f.while(() => pushTest(this.#f, test()), body);
  }

  when(test: Test, then: () => void, otherwise?: () => void): void {
    this.#f.if(() => pushTest(this.#f, test), then, otherwise);
  }

  call(fn: (...numbers: number[]) => void, ...numbers: Num[]): void {
    this.#f.i32(this.#calls.push(fn) - 1);
    for (const number of numbers) pushNumber(this.#f, number);
    this.#f.call(hostIndex(`call${numbers.length as 0 | 1 | 2 | 3}`));
  }

  table(values: readonly number[]): (index: Num) => Num {
    const at = this.#lasting.take(8 * values.length);
    this.#tables.push({ at, values });
    const block = new MemoryBlock(
      { shape: [values.length], dtype: 'float64' },
      this.#lastingBase,
      at,
    );
    return (index) => this.element(block, index);
  }

  // Blocks

  block(spec: Spec): MemoryBlock {
    const block = this.#take(spec);
    this.#scope.push(block);
    return block;
  }

  #take(spec: Spec): MemoryBlock {
    return new MemoryBlock(spec, this.#arenaBase, this.#arena.take(bytesOf(spec)));
  }

  #give(block: MemoryBlock): void {
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
    this.#call(
      { ...plan, fromStrides: [1], toStrides: [1] },
      from as MemoryBlock,
      to as MemoryBlock,
    );
  }

  zero(block: Block): void {
    this.#fill(block as MemoryBlock, 0);
  }

  #fill(block: MemoryBlock, value: number): void {
    const { dtype, shape } = block;
    const member = { op: 'identity', dtype, inputs: [{ constant: value }], inputTypes: [dtype] };
    const plan = { operands: [], members: [member], stored: [0], sums: [] };
    this.#call({ kind: 'elementwise', shape: [sizeOf(shape)], ...plan }, block);
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
          : { operand: blocks.length + scalars.push(this.#scalar(weight, dtype)) - 1 };
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
    this.#call({ kind: 'elementwise', shape: [sizeOf(shape)], ...plan }, ...all);
    for (const scalar of scalars) this.#give(scalar);
  }

  /** A number as a scalar in memory. */
  #scalar(value: Num, dtype: DType): MemoryBlock {
    const block = this.#take({ shape: [], dtype });
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

  tape(layouts: readonly FrameLayout[]): ProgramTape {
    const nested = layouts.some(({ blocks }) => blocks.some(({ dtype }) => dtype === 'opaque'));
    if (nested) this.#refuse('it keeps a tape inside a tape');
    return this.#tapes.tape(layouts);
  }

  #call(kernel: Kernel, ...blocks: readonly MemoryBlock[]): void {
    const index = this.#library.indexOf(kernel);
    for (const block of blocks) block.push(this.#f);
    this.#f.call(index);
  }

  // Graphs

  prepare(graph: Graph, constants: readonly (Block | undefined)[] = []): PreparedGraph {
    const known = new Map<Value, MemoryBlock>();
    graph.inputs.forEach((value, i) => {
      const block = constants[i];
      if (block !== undefined) known.set(value, block as MemoryBlock);
    });
    const preparation: Preparation = {
      graph,
      constants: known,
      hoisted: hoistedNodes(graph, new Set(known.keys())),
      before: this.#f.segment(),
      kept: new Map(),
      ordered: new Map(),
    };
    return {
      run: (inputs, outputs) => {
        this.#run(preparation, inputs, outputs as readonly (MemoryBlock | undefined)[]);
      },
    };
  }

  #run(
    preparation: Preparation,
    inputs: readonly (Block | Num)[],
    outputs: readonly (MemoryBlock | undefined)[],
  ): void {
    const { graph, hoisted } = preparation;
    const wanted = graph.outputs.filter((_, i) => outputs[i] !== undefined);
    const body: Graph = {
      inputs: graph.inputs,
      nodes: graph.nodes.filter((node) => !hoisted.has(node)),
      outputs: wanted,
    };
    const builder = new UnitBuilder(body);
    const scalars: MemoryBlock[] = [];
    const places = new Map<Value, MemoryBlock>(preparation.kept);
    const read = new Set(
      builder.units.flatMap((unit) => readsOf(unit, builder).map(({ root }) => root)),
    );
    for (const value of wanted) read.add(builder.views.of(value).root);
    graph.inputs.forEach((value, i) => {
      const input = inputs[i];
      if (input instanceof MemoryBlock) places.set(value, input.as(value));
      else if (read.has(value)) {
        const scalar = this.#scalar(input as Num, value.dtype as DType);
        scalars.push(scalar);
        places.set(value, scalar);
      }
    });
    this.#hoist(preparation, read, places);
    const targets = outputs.filter((block) => block !== undefined);
    new GraphEmitter(this.#graphCode(preparation), builder, places).emit(wanted, targets);
    for (const scalar of scalars) this.#give(scalar);
  }

  /** Has what depends on constants alone computed where the graph was prepared. */
  #hoist(
    { graph, hoisted, constants, before, kept }: Preparation,
    read: ReadonlySet<Value>,
    places: Map<Value, MemoryBlock>,
  ): void {
    const nodes = graph.nodes.filter((node) => hoisted.has(node));
    const outputs = nodes
      .flatMap((node) => node.outputs)
      .filter((value) => read.has(value) && !kept.has(value));
    if (outputs.length === 0) return;
    const targets = outputs.map((spec) => this.#keep(spec));
    outputs.forEach((value, i) => {
      kept.set(value, targets[i]);
      places.set(value, targets[i]);
    });
    this.#f.into(before, () => {
      const prelude: Graph = { inputs: [...constants.keys()], nodes, outputs };
      const code = this.#graphCode(undefined, true);
      new GraphEmitter(code, new UnitBuilder(prelude), new Map(constants)).emit(outputs, targets);
    });
  }

  #keep(spec: Spec): MemoryBlock {
    return new MemoryBlock(spec, this.#lastingBase, this.#lasting.take(bytesOf(spec)));
  }

  /** @param early whether the code comes before code that is written already: its memory must then be its own */
  #graphCode(preparation: Preparation | undefined, early = false): GraphCode {
    return {
      call: (kernel, ...blocks) => this.#call(kernel, ...blocks),
      fill: (block, value) => this.#fill(block, value),
      take: (spec) => (early ? this.#keep(spec) : this.#take(spec)),
      give: (block) => {
        if (!early) this.#give(block);
      },
      copy: (from, to) => this.copy(from, to),
      ordered: (unit, b) =>
        preparation === undefined ? undefined : this.#orderedMatrix(preparation, unit, b),
      lower: (node, inputs, outputs) => this.#lower(node, inputs, outputs),
    };
  }

  /** A constant right-hand matrix in the order in which its product reads it, copied once. */
  #orderedMatrix(
    { before, constants, kept, ordered }: Preparation,
    { extents, b }: MatMulUnit,
    block: MemoryBlock,
  ): MatMulReading | undefined {
    if (extents.batch.length > 0 || !(constants.has(b.root) || kept.has(b.root))) return undefined;
    const { k, n, bRow, bColumn, dtype } = extents;
    const across = orientationOf(extents) === 'sums';
    const suits = across ? bRow === 1 : bColumn === 1;
    if (suits || orientationOf(extents) === 'rows') return undefined;
    const strides = across ? { bRow: 1, bColumn: k } : { bRow: n, bColumn: 1 };
    const key = `${block.base} ${block.offset} ${bRow} ${bColumn} ${k} ${n}`;
    let copy = ordered.get(key);
    if (copy === undefined) {
      copy = this.#keep({ shape: [k, n], dtype });
      ordered.set(key, copy);
      const to = copy;
      this.#f.into(before, () => {
        const plan = { kind: 'copy', dtype, shape: [k, n], fromStart: 0, toStart: 0 } as const;
        const toStrides = [strides.bRow, strides.bColumn];
        this.#call({ ...plan, fromStrides: [bRow, bColumn], toStrides }, block, to);
      });
    }
    return { block: copy, extents: { ...extents, ...strides } };
  }

  /** Writes the code of a node that is a program itself. */
  #lower(node: GraphNode, inputs: readonly Place[], outputs: readonly Place[]): void {
    const { primitive, attrs } = node;
    this.#outermost ??= node;
    const reason = reasonAgainst(node);
    if (reason !== undefined) this.#refuse(`${primitive.name} inside it: ${reason}`);
    const outer = this.#scope;
    this.#scope = [];
    primitive.lower?.(this, inputs, outputs, attrs);
    for (const block of this.#scope) this.#give(block);
    this.#scope = outer;
    if (this.#outermost === node) this.#outermost = undefined;
  }

  #refuse(reason: string): never {
    throw new NotCompiled(this.#outermost as GraphNode, reason);
  }
}

/** Nodes that depend on constants alone, but for those that only give another reading of an operand. */
function hoistedNodes(graph: Graph, constants: ReadonlySet<Value>): Set<GraphNode> {
  const fixed = new Set<Value>(constants);
  const hoisted = new Set<GraphNode>();
  if (constants.size === 0) return hoisted;
  for (const node of graph.nodes) {
    const { primitive, inputs, outputs } = node;
    const reading = ['transpose', 'reshape', 'slice', 'broadcastTo', 'stopGradient'];
    if (inputs.length === 0 || reading.includes(primitive.name) || primitive.run !== undefined)
      continue;
    if (!inputs.every((value) => fixed.has(value))) continue;
    hoisted.add(node);
    for (const value of outputs) fixed.add(value);
  }
  return hoisted;
}
