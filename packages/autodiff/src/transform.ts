/**
 * The two modes on a recorded graph. Both replay it on tensors, in whatever recording is in progress, with the rule of
 * each primitive in place of the primitive: so a derivative is again a graph, and can be differentiated again.
 */
import {
  apply,
  type DerivativeRule,
  type Graph,
  type GraphNode,
  isDifferentiable,
  type Modes,
  NeuralodeError,
  type Primitive,
  type Tensor,
  type Value,
} from '@neuralode/tensor';
import { plainRules } from './plain-rules.ts';
import { constants, sumOf } from './rule.ts';
import { scanRule } from './scan-rule.ts';

function ruleOf(primitive: Primitive): DerivativeRule {
  const rule =
    primitive.derivative ?? (primitive.name === 'scan' ? scanRule : plainRules[primitive.name]);
  if (rule !== undefined) return rule as DerivativeRule;
  throw new NeuralodeError({
    what: `The primitive ${primitive.name} has no derivative rule`,
    remedy:
      'Give it one as Primitive.derivative, or wrap what should count as constant in stopGradient',
  });
}

/** Outputs of `graph` and their tangents; null stands for a zero tangent. */
export function pushForward(
  graph: Graph,
  inputs: readonly Tensor[],
  inputTangents: readonly (Tensor | null)[],
): { outputs: Tensor[]; tangents: (Tensor | null)[] } {
  const tensors = new Map<Value, Tensor>();
  const tangents = new Map<Value, Tensor>();
  const at = (value: Value): Tensor => tensors.get(value) as Tensor;
  const tangentAt = (value: Value): Tensor | null => tangents.get(value) ?? null;
  const note = (value: Value, tensor: Tensor, tangent: Tensor | null): void => {
    tensors.set(value, tensor);
    if (tangent !== null && isDifferentiable(value)) tangents.set(value, tangent);
  };
  graph.inputs.forEach((value, i) => {
    note(value, inputs[i], inputTangents[i] ?? null);
  });
  for (const { primitive, inputs: operands, attrs, outputs } of graph.nodes) {
    const operandTangents = operands.map(tangentAt);
    const still = constants.has(primitive.name) || operandTangents.every((each) => each === null);
    const result = still
      ? { outputs: apply(primitive, operands.map(at), attrs), tangents: outputs.map(() => null) }
      : ruleOf(primitive).jvp(operands.map(at), operandTangents, attrs, modes);
    outputs.forEach((value, i) => {
      note(value, result.outputs[i], result.tangents[i]);
    });
  }
  return { outputs: graph.outputs.map(at), tangents: graph.outputs.map(tangentAt) };
}

const modes: Modes = { pushForward, pullBack };

type Pullback = (cotangents: readonly (Tensor | null)[]) => readonly (Tensor | null)[];

/**
 * Outputs of `graph`, and the map from their cotangents to those of the inputs that `needs` names. The map is made of
 * the same recording's tensors; call it while that recording is in progress.
 */
export function pullBack(
  graph: Graph,
  inputs: readonly Tensor[],
  needs: readonly boolean[],
): { outputs: Tensor[]; pullback: (cotangents: readonly (Tensor | null)[]) => (Tensor | null)[] } {
  const tensors = new Map<Value, Tensor>();
  const active = new Set<Value>();
  const at = (value: Value): Tensor => tensors.get(value) as Tensor;
  graph.inputs.forEach((value, i) => {
    tensors.set(value, inputs[i]);
    if (needs[i] && isDifferentiable(value)) active.add(value);
  });
  const steps: { node: GraphNode; pullback: Pullback }[] = [];
  for (const node of graph.nodes) {
    const { primitive, inputs: operands, attrs, outputs } = node;
    const nodeNeeds = operands.map((value) => active.has(value));
    let results: readonly Tensor[];
    if (constants.has(primitive.name) || !nodeNeeds.includes(true)) {
      results = apply(primitive, operands.map(at), attrs);
    } else {
      const step = ruleOf(primitive).vjp(operands.map(at), attrs, nodeNeeds, modes);
      results = step.outputs;
      steps.push({ node, pullback: step.pullback });
      for (const value of outputs) if (isDifferentiable(value)) active.add(value);
    }
    outputs.forEach((value, i) => {
      tensors.set(value, results[i]);
    });
  }
  return {
    outputs: graph.outputs.map(at),
    pullback: (cotangents) => reverse(graph, steps, active, cotangents),
  };
}

function reverse(
  graph: Graph,
  steps: readonly { node: GraphNode; pullback: Pullback }[],
  active: ReadonlySet<Value>,
  outputCotangents: readonly (Tensor | null)[],
): (Tensor | null)[] {
  const cotangents = new Map<Value, Tensor>();
  const accumulate = (value: Value, cotangent: Tensor | null): void => {
    if (cotangent === null || !active.has(value)) return;
    cotangents.set(value, sumOf([cotangents.get(value) ?? null, cotangent]) as Tensor);
  };
  graph.outputs.forEach((value, i) => {
    accumulate(value, outputCotangents[i]);
  });
  for (const { node, pullback } of steps.toReversed()) {
    const given = node.outputs.map((value) => cotangents.get(value) ?? null);
    if (given.every((cotangent) => cotangent === null)) continue;
    const results = pullback(given);
    node.inputs.forEach((value, i) => {
      accumulate(value, results[i]);
    });
    for (const value of node.outputs) cotangents.delete(value);
  }
  return graph.inputs.map((value) => cotangents.get(value) ?? null);
}
