/**
 * Graphs inside a program, made ready to run many times with the same constants: what depends on these alone is computed
 * where the graph was prepared, and matrices among them are put in the order in which products read them.
 */
import type { Block, DType, Graph, GraphNode, Num, PreparedGraph, Value } from '@neuralode/tensor';
import { orientationOf } from '../kernels/mat-mul-shape.ts';
import type { FunctionWriter, Segment } from '../wasm/function-writer.ts';
import { type GraphCode, GraphEmitter, type MatMulReading, readsOf } from './graph-emitter.ts';
import { MemoryBlock } from './memory-block.ts';
import type { MemoryCode } from './memory-code.ts';
import { type MatMulUnit, UnitBuilder } from './units.ts';

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

export class PreparedGraphs {
  readonly #f: FunctionWriter;
  readonly #memory: MemoryCode;
  readonly #lower: GraphCode['lower'];

  /** @param lower writes the code of a node that is a program itself */
  constructor(f: FunctionWriter, memory: MemoryCode, lower: GraphCode['lower']) {
    this.#f = f;
    this.#memory = memory;
    this.#lower = lower;
  }

  prepare(graph: Graph, constants: readonly (Block | undefined)[]): PreparedGraph {
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
        const scalar = this.#memory.scalar(input as Num, value.dtype as DType);
        scalars.push(scalar);
        places.set(value, scalar);
      }
    });
    this.#hoist(preparation, read, places);
    const targets = outputs.filter((block) => block !== undefined);
    new GraphEmitter(this.#graphCode(preparation), builder, places).emit(wanted, targets);
    for (const scalar of scalars) this.#memory.give(scalar);
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
    const targets = outputs.map((spec) => this.#memory.keep(spec));
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

  /** @param early whether the code comes before code that is written already: its memory must then be its own */
  #graphCode(preparation: Preparation | undefined, early = false): GraphCode {
    return {
      call: (kernel, ...blocks) => this.#memory.call(kernel, ...blocks),
      fill: (block, value) => this.#memory.fill(block, value),
      take: (spec) => (early ? this.#memory.keep(spec) : this.#memory.take(spec)),
      give: (block) => {
        if (!early) this.#memory.give(block);
      },
      copy: (from, to) => this.#memory.copy(from, to),
      threads: this.#memory.threads,
      callParts: (parts, kernel, ...operands) => this.#memory.callParts(parts, kernel, operands),
      add: (blocks, to) =>
        this.#memory.combine(
          blocks.map(() => 1),
          blocks,
          to,
        ),
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
      copy = this.#memory.keep({ shape: [k, n], dtype });
      ordered.set(key, copy);
      const to = copy;
      this.#f.into(before, () => {
        const plan = { kind: 'copy', dtype, shape: [k, n], fromStart: 0, toStart: 0 } as const;
        const toStrides = [strides.bRow, strides.bColumn];
        this.#memory.call({ ...plan, fromStrides: [bRow, bColumn], toStrides }, block, to);
      });
    }
    return { block: copy, extents: { ...extents, ...strides } };
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
