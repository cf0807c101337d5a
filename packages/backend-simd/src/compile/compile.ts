/**
 * Takes a graph apart into what compiles and what does not: stretches of nodes that become one program each, and nodes
 * that run as they always do, between them.
 */
import {
  type Backend,
  BackendError,
  DeviceBuffer,
  type Graph,
  type GraphNode,
  type Primitive,
  type Run,
  type Slot,
  type Value,
} from '@neuralode/tensor';
import type { HeapBlock } from '../heap.ts';
import { type Device, Program, type ProgramFigures } from './program.ts';
import { NotCompiled, reasonAgainst } from './program-writer.ts';

/** What became of a graph that was compiled. */
export interface Fusion {
  /** One for each program: how many nodes it took in, loops' bodies not counted, and what became of them. */
  readonly programs: readonly {
    readonly nodes: number;
    readonly loops: readonly string[];
    readonly figures: ProgramFigures;
  }[];
  /** Nodes that run kernel by kernel, and why. */
  readonly left: readonly { readonly primitive: string; readonly reason: string }[];
}

/** Nodes that do not compile, with those that share a tape with one. */
function leftOut(graph: Graph, known: ReadonlyMap<GraphNode, string>): Map<GraphNode, string> {
  const left = new Map<GraphNode, string>(known);
  const readers = new Map<Value, GraphNode[]>();
  for (const node of graph.nodes) {
    const reason = reasonAgainst(node);
    if (reason !== undefined) left.set(node, reason);
    for (const value of node.inputs) {
      if (value.dtype === 'opaque') readers.set(value, [...(readers.get(value) ?? []), node]);
    }
  }
  for (const node of graph.nodes) {
    for (const value of node.outputs) {
      const others = readers.get(value) ?? [];
      if (![node, ...others].some((each) => left.has(each))) continue;
      if (value.dtype !== 'opaque') continue;
      for (const each of [node, ...others]) {
        if (!left.has(each)) left.set(each, 'it shares a tape with a node that does not compile');
      }
    }
  }
  return left;
}

/** Groups nodes so that each stretch reads only what stretches and nodes before it give. */
function stretchesOf(graph: Graph, left: ReadonlyMap<GraphNode, string>): GraphNode[][] {
  const levels = new Map<Value, number>();
  const stretches: GraphNode[][] = [];
  for (const node of graph.nodes) {
    // even levels are programs, odd ones nodes that run alone
    let level = Math.max(0, ...node.inputs.map((value) => levels.get(value) ?? 0));
    if (left.has(node) === (level % 2 === 0)) level++;
    for (const value of node.outputs) levels.set(value, level);
    stretches[level] ??= [];
    stretches[level].push(node);
  }
  return stretches;
}

/** The graph of a stretch: its inputs are what it reads from outside, its outputs what is read outside. */
function graphOf(nodes: readonly GraphNode[], whole: Graph): Graph {
  const inside = new Set(nodes);
  const made = new Set(nodes.flatMap((node) => node.outputs));
  const inputs = new Set(nodes.flatMap((node) => node.inputs).filter((value) => !made.has(value)));
  const read = new Set(whole.outputs);
  for (const node of whole.nodes) {
    if (!inside.has(node)) for (const value of node.inputs) read.add(value);
  }
  return { inputs: [...inputs], nodes, outputs: [...made].filter((value) => read.has(value)) };
}

/** The node that runs a program. */
function programNode(graph: Graph, program: Program): GraphNode {
  const primitive: Primitive = {
    name: 'program',
    infer: () => graph.outputs.map(({ shape, dtype }) => ({ shape, dtype })),
    *run(inputs: readonly Slot[], _: unknown, backend: Backend): Run<Slot[]> {
      const blocks = inputs.map((slot) => (slot as DeviceBuffer).handle as HeapBlock);
      return program.run(blocks).map((block) => new DeviceBuffer(backend, block));
    },
  };
  return { primitive, inputs: graph.inputs, attrs: undefined, outputs: graph.outputs };
}

/** The program of a graph; nothing where its memory does not fit. */
function programOf(graph: Graph, device: Device): Program | undefined {
  try {
    return new Program(graph, device);
  } catch (error) {
    if (error instanceof BackendError) return undefined;
    throw error;
  }
}

/** An equal graph, made of programs and of what does not compile. */
export function compileGraph(graph: Graph, device: Device): { graph: Graph; fusion: Fusion } {
  const known = new Map<GraphNode, string>();
  for (;;) {
    try {
      return compileWithout(graph, leftOut(graph, known), device);
    } catch (error) {
      // what is inside a loop shows only when its code is written
      if (!(error instanceof NotCompiled)) throw error;
      known.set(error.node, error.reason);
    }
  }
}

function compileWithout(
  graph: Graph,
  left: ReadonlyMap<GraphNode, string>,
  device: Device,
): { graph: Graph; fusion: Fusion } {
  const programs: Fusion['programs'][number][] = [];
  const tooLarge: Fusion['left'][number][] = [];
  const nodes = stretchesOf(graph, left).flatMap((stretch): GraphNode[] => {
    if (left.has(stretch[0])) return stretch;
    const part = graphOf(stretch, graph);
    if (part.outputs.length === 0) return [];
    const program = programOf(part, device);
    if (program === undefined) {
      const reason = 'their program needs more memory than is left';
      tooLarge.push({ primitive: `${stretch.length} nodes`, reason });
      return stretch;
    }
    const loops = stretch.filter((node) => node.primitive.run !== undefined);
    programs.push({
      nodes: stretch.length,
      loops: loops.map((node) => node.primitive.name),
      figures: program.figures,
    });
    return [programNode(part, program)];
  });
  const reasons = [...left].map(([{ primitive }, reason]) => ({
    primitive: primitive.name,
    reason,
  }));
  return {
    graph: { inputs: graph.inputs, nodes, outputs: graph.outputs },
    fusion: { programs, left: [...reasons, ...tooLarge] },
  };
}
