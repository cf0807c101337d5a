/**
 * Graph clean-up: dead code (nothing reads it) and common subexpressions (the same primitive on the same values).
 */
import type { Graph, GraphNode, Value } from '@neuralode/tensor';

/** Numbers as text that keeps apart what JSON does not: −0, NaN and the infinities. */
function attrsKey(attrs: unknown): string {
  return (
    JSON.stringify(attrs, (_, value) =>
      typeof value === 'number' ? (Object.is(value, -0) ? '-0' : String(value)) : value,
    ) ?? ''
  );
}

function mergeCommon(graph: Graph): Graph {
  const ids = new Map<Value, number>();
  const replaced = new Map<Value, Value>();
  const seen = new Map<string, GraphNode>();
  const id = (value: Value): number => {
    const known = ids.get(value) ?? ids.size;
    ids.set(value, known);
    return known;
  };
  const current = (value: Value): Value => replaced.get(value) ?? value;
  const nodes: GraphNode[] = [];
  for (const node of graph.nodes) {
    const inputs = node.inputs.map(current);
    const fresh = { ...node, inputs };
    // A loop's attributes hold graphs and functions: comparing them would cost more than it finds.
    if (node.primitive.run !== undefined) {
      nodes.push(fresh);
      continue;
    }
    const key = `${node.primitive.name}(${inputs.map(id).join(',')})${attrsKey(node.attrs)}`;
    const twin = seen.get(key);
    if (twin === undefined) {
      seen.set(key, fresh);
      nodes.push(fresh);
    } else {
      node.outputs.forEach((value, i) => {
        replaced.set(value, twin.outputs[i]);
      });
    }
  }
  return { inputs: graph.inputs, nodes, outputs: graph.outputs.map(current) };
}

function dropDead(graph: Graph): Graph {
  const needed = new Set<Value>(graph.outputs);
  const kept: GraphNode[] = [];
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((value) => needed.has(value))) continue;
    for (const value of node.inputs) needed.add(value);
    kept.push(node);
  }
  return { inputs: graph.inputs, nodes: kept.reverse(), outputs: graph.outputs };
}

/** An equal graph without what nobody reads and without what is computed twice. Inputs stay as they are. */
export function clean(graph: Graph): Graph {
  return dropDead(mergeCommon(graph));
}
