/**
 * The recorded graph: what a function did, as a list of primitives in the order in which they ran.
 *
 * A graph is closed: everything its nodes read is one of its inputs or an earlier node's output. Values have one
 * producer and any number of readers. Loops (`scan`, `odeSolve`) are single nodes whose attributes hold the graph of
 * their body.
 */
import type { Spec } from './dtype.ts';
import type { Primitive } from './primitive.ts';

/** One edge of a graph. Identity is what matters: two values of the same shape are different values. */
export class Value implements Spec {
  readonly shape: readonly number[];
  readonly dtype: Spec['dtype'];

  constructor(spec: Spec) {
    this.shape = spec.shape;
    this.dtype = spec.dtype;
  }
}

export interface GraphNode {
  readonly primitive: Primitive;
  readonly inputs: readonly Value[];
  readonly attrs: unknown;
  readonly outputs: readonly Value[];
}

export interface Graph {
  readonly inputs: readonly Value[];
  readonly nodes: readonly GraphNode[];
  readonly outputs: readonly Value[];
}

/** A graph as text, one node a line, for reading and for tests. */
export function showGraph(graph: Graph): string {
  const names = new Map<Value, string>();
  const name = (value: Value): string => {
    let known = names.get(value);
    if (known === undefined) {
      known = `%${names.size}`;
      names.set(value, known);
    }
    return known;
  };
  const typed = (value: Value): string =>
    `${name(value)}: ${value.dtype}[${value.shape.join(',')}]`;
  const lines = [`graph(${graph.inputs.map(typed).join(', ')})`];
  for (const node of graph.nodes) {
    const outputs = node.outputs.map(typed).join(', ');
    lines.push(`  ${outputs} = ${node.primitive.name}(${node.inputs.map(name).join(', ')})`);
  }
  lines.push(`  return ${graph.outputs.map(name).join(', ')}`);
  return lines.join('\n');
}
