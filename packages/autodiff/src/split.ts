/**
 * Splitting a graph's reverse mode in two, for loops: a forward graph that also gives what the backward pass will want
 * (the residuals), and a backward graph that starts from those. A loop runs the first in every iteration, keeps the
 * residuals on its tape, and runs the second in reverse order.
 */
import { type Graph, type Modes, record, type Value, zerosLike } from '@neuralode/tensor';
import { clean } from './clean.ts';

export interface SplitGraph {
  /** Inputs: those of the graph. Outputs: those of the graph, then the residuals. */
  readonly forward: Graph;
  /** Inputs: the residuals, then the cotangents given. Outputs: the cotangents of the inputs needed. */
  readonly backward: Graph;
  /** How many residuals there are. */
  readonly residuals: number;
}

/**
 * @param needs which inputs' cotangents are wanted
 * @param given which outputs' cotangents are not zero
 */
export function split(
  graph: Graph,
  needs: readonly boolean[],
  given: readonly boolean[],
  modes: Modes,
): SplitGraph {
  const count = graph.inputs.length;
  const cotangentSpecs = graph.outputs.filter((_, i) => given[i]);
  const joint = record([...graph.inputs, ...cotangentSpecs], (...stand) => {
    const inputs = stand.slice(0, count);
    const cotangents = stand.slice(count);
    const { outputs, pullback } = modes.pullBack(graph, inputs, needs);
    const results = pullback(given.map((has) => (has ? (cotangents.shift() ?? null) : null)));
    const wanted = inputs.flatMap((input, i) => (needs[i] ? [results[i] ?? zerosLike(input)] : []));
    return [...outputs, ...wanted];
  });
  return cut(clean(joint.graph), count, graph.outputs.length);
}

/** Cuts a joint graph: what the first outputs need goes forward, all else backward. */
function cut(joint: Graph, primalInputs: number, primalOutputs: number): SplitGraph {
  const inputs = joint.inputs.slice(0, primalInputs);
  const outputs = joint.outputs.slice(0, primalOutputs);
  const needed = new Set<Value>(outputs);
  for (const node of joint.nodes.toReversed()) {
    if (node.outputs.some((value) => needed.has(value))) {
      for (const value of node.inputs) needed.add(value);
    }
  }
  const goesForward = joint.nodes.map((node) => node.outputs.some((value) => needed.has(value)));
  const early = new Set<Value>(inputs);
  joint.nodes.forEach((node, i) => {
    if (goesForward[i]) for (const value of node.outputs) early.add(value);
  });
  const late = joint.nodes.filter((_, i) => !goesForward[i]);
  const results = joint.outputs.slice(primalOutputs);
  const read = [...late.flatMap((node) => node.inputs), ...results];
  const residuals = [...new Set(read.filter((value) => early.has(value)))];
  return {
    forward: {
      inputs,
      nodes: joint.nodes.filter((_, i) => goesForward[i]),
      outputs: [...outputs, ...residuals],
    },
    backward: {
      inputs: [...residuals, ...joint.inputs.slice(primalInputs)],
      nodes: late,
      outputs: results,
    },
    residuals: residuals.length,
  };
}
