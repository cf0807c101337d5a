/**
 * Writes the main function of a program: what primitives say of themselves through `Lowering`, and the kernels of the
 * graphs between, with a plan of the memory that all of it needs.
 */
import type {
  Arithmetic,
  Block,
  FrameLayout,
  Graph,
  GraphNode,
  Lowering,
  Num,
  Place,
  PreparedGraph,
  ProgramTape,
  Spec,
  Test,
  Variable,
} from '@neuralode/tensor';
import { declareHost, hostIndex } from '../kernels/host-functions.ts';
import { FunctionWriter } from '../wasm/function-writer.ts';
import { ModuleWriter } from '../wasm/module-writer.ts';
import { type Sharing, SharedCalls } from '../threads/shared-calls.ts';
import { MemoryBlock } from './memory-block.ts';
import { MemoryCode, type NumberTable } from './memory-code.ts';
import { arithmeticOn, DynamicNumber, pushNumber, pushTest } from './number-code.ts';
import { PreparedGraphs } from './prepared-graphs.ts';
import { TapeWriter } from './tape-writer.ts';

/** Parameters that a function of WebAssembly may have; engines refuse more (the JavaScript interface's limits). */
const mostParameters = 1000;

/** A program as far as its module goes. */
export interface WrittenProgram {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Bytes of memory for everything but inputs, outputs and tapes. */
  readonly arenaBytes: number;
  /** Bytes of memory for what is computed once, and tables. */
  readonly lastingBytes: number;
  /** What `Lowering.call` calls, by number. */
  readonly calls: readonly ((...numbers: number[]) => void)[];
  readonly tables: readonly NumberTable[];
  readonly kernels: number;
  /** How the main function gets the addresses of inputs and outputs: each as a parameter, or all in a list in memory. */
  readonly addresses: 'parameters' | 'listed';
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

export class ProgramWriter implements Lowering {
  readonly numbers: Arithmetic;
  readonly #f: FunctionWriter;
  readonly #module: ModuleWriter;
  readonly #memory: MemoryCode;
  readonly #graphs: PreparedGraphs;
  readonly #calls: ((...numbers: number[]) => void)[];
  readonly #tapes: TapeWriter;
  /** Blocks to give back at the end of the node that is being written. */
  #scope: MemoryBlock[] = [];
  /** The node of the graph itself that is being written, whatever loops inside it are. */
  #outermost: GraphNode | undefined;
  readonly #addresses: WrittenProgram['addresses'];

  constructor(
    inputs: number,
    outputs: number,
    fused: boolean,
    calls: readonly ((...numbers: number[]) => void)[],
    { sharedPages, sharing }: { sharedPages?: number; sharing?: Sharing },
  ) {
    this.#module = new ModuleWriter(sharedPages);
    declareHost(this.#module);
    const shared = sharing && new SharedCalls(sharing, this.#module);
    this.#calls = [...calls];
    this.#addresses = inputs + outputs + 2 > mostParameters ? 'listed' : 'parameters';
    const first = this.#addresses === 'listed' ? 1 : inputs + outputs;
    this.#f = new FunctionWriter(new Array(first + 2).fill('i32'));
    const bases = { arena: first, lasting: first + 1 };
    this.#memory = new MemoryCode(this.#f, this.#module, fused, bases, shared);
    this.#graphs = new PreparedGraphs(this.#f, this.#memory, (node, given, results) =>
      this.#lower(node, given, results),
    );
    this.numbers = arithmeticOn(this.#f);
    this.#tapes = new TapeWriter(this.#f);
  }

  /** Writes the program of a whole graph. */
  writeGraph(graph: Graph): WrittenProgram {
    const given = (spec: Spec, i: number): MemoryBlock => new MemoryBlock(spec, this.#given(i), 0);
    const inputs = graph.inputs.map(given);
    const count = inputs.length;
    const outputs = graph.outputs.map((spec, i) => given(spec, count + i));
    this.prepare(graph).run(inputs, outputs);
    this.#module.export(this.#module.add(this.#f));
    return {
      bytes: this.#module.bytes(),
      arenaBytes: this.#memory.arenaBytes,
      lastingBytes: this.#memory.lastingBytes,
      calls: this.#calls,
      tables: this.#memory.tables,
      kernels: this.#memory.kernels,
      addresses: this.#addresses,
    };
  }

  /** The local that holds the address of input or output number `i`. */
  #given(i: number): number {
    if (this.#addresses === 'parameters') return i;
    const f = this.#f;
    return f.once(`block ${i}`, 'i32', () => {
      f.get(0);
      f.memory(0x28, 4 * i);
    });
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

  // Blocks

  block(spec: Spec): MemoryBlock {
    const block = this.#memory.take(spec);
    this.#scope.push(block);
    return block;
  }

  table(values: readonly number[]): (index: Num) => Num {
    return this.#memory.table(values);
  }

  element(block: Block, index: Num = 0): Num {
    return this.#memory.element(block, index);
  }

  row(stack: Block, index: Num): MemoryBlock {
    return this.#memory.row(stack, index);
  }

  store(value: Num, scalar: Block): void {
    this.#memory.store(value, scalar);
  }

  copy(from: Block, to: Block): void {
    this.#memory.copy(from, to);
  }

  zero(block: Block): void {
    this.#memory.fill(block as MemoryBlock, 0);
  }

  combine(weights: readonly Num[], blocks: readonly Block[], to: Block): void {
    this.#memory.combine(weights, blocks, to);
  }

  tape(layouts: readonly FrameLayout[]): ProgramTape {
    const nested = layouts.some(({ blocks }) => blocks.some(({ dtype }) => dtype === 'opaque'));
    if (nested) this.#refuse('it keeps a tape inside a tape');
    return this.#tapes.tape(layouts);
  }

  // Graphs

  prepare(graph: Graph, constants: readonly (Block | undefined)[] = []): PreparedGraph {
    return this.#graphs.prepare(graph, constants);
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
    for (const block of this.#scope) this.#memory.give(block);
    this.#scope = outer;
    if (this.#outermost === node) this.#outermost = undefined;
  }

  #refuse(reason: string): never {
    throw new NotCompiled(this.#outermost as GraphNode, reason);
  }
}
