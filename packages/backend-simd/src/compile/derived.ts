/**
 * Values that are made again by every kernel that reads them, rather than stored: a few cheap operations on one other
 * value of the same shape, such as 1 − h² of h, or a mask x > 0. To read that value instead costs no more memory. What has
 * to be stored for others, as h² for a product, is still made again by a kernel that reads h anyway.
 */
import { type DType, type Graph, type GraphNode, sameShape, type Value } from '@neuralode/tensor';
import type { Views } from './views.ts';

const cheap = new Set([
  'neg',
  'abs',
  'add',
  'sub',
  'mul',
  'maximum',
  'minimum',
  'equal',
  'less',
  'lessEqual',
  'logicalAnd',
  'logicalOr',
  'logicalNot',
  'where',
  'cast',
  'linearCombination',
]);

/** More operations than these are worth a store. */
const mostOperations = 4;

/** What a derived value is made of. */
interface Derivation {
  readonly node: GraphNode;
  readonly root: Value;
  readonly operations: number;
}

/** Whether float64 is among a node's dtypes: then its vectors hold two elements. */
export function isWide({ inputs, outputs }: GraphNode): boolean {
  return [...inputs, ...outputs].some(({ dtype }) => (dtype as DType) === 'float64');
}

/** Nodes that give cheap functions of one other value. */
export interface CheapValues {
  /** Of values that are never stored. */
  readonly derived: ReadonlyMap<Value, GraphNode>;
  /** Of values that are, but need not be read where what they are made of is. */
  readonly repeatable: ReadonlyMap<Value, Repeatable>;
}

export interface Repeatable {
  readonly node: GraphNode;
  readonly root: Value;
}

export function cheapValues(
  graph: Graph,
  views: Views,
  elementwise: ReadonlySet<string>,
): CheapValues {
  const readers = new Map<Value, GraphNode[]>();
  for (const node of graph.nodes) {
    for (const value of node.inputs) readers.set(value, [...(readers.get(value) ?? []), node]);
  }
  const outputs = new Set<Value>(graph.outputs);
  const readAlong = (value: Value, wide: boolean): boolean =>
    !outputs.has(value) &&
    (readers.get(value) ?? []).every(
      (reader) =>
        elementwise.has(reader.primitive.name) &&
        sameShape(reader.outputs[0].shape, value.shape) &&
        isWide(reader) === wide,
    );
  const found = new Map<Value, Derivation>();
  const repeatable = new Map<Value, Repeatable>();
  for (const node of graph.nodes) {
    const derivation = derivationOf(node, views, found);
    const [value] = node.outputs;
    if (derivation === undefined) continue;
    if (readAlong(value, isWide(node))) found.set(value, derivation);
    else if (derivation.operations === 1) repeatable.set(value, derivation);
  }
  return { derived: new Map([...found].map(([value, { node }]) => [value, node])), repeatable };
}

function derivationOf(
  node: GraphNode,
  views: Views,
  found: ReadonlyMap<Value, Derivation>,
): Derivation | undefined {
  const [{ shape }] = node.outputs;
  const variables = node.inputs.filter((input) => views.constantOf(input) === undefined);
  if (!cheap.has(node.primitive.name) || variables.length === 0) return undefined;
  if (!variables.every((input) => sameShape(input.shape, shape))) return undefined;
  const roots = new Set(variables.map((input) => found.get(input)?.root ?? input));
  if (roots.size > 1) return undefined;
  const below = new Set(variables);
  let operations = 1;
  for (const input of below) operations += found.get(input)?.operations ?? 0;
  const [root] = roots;
  return operations > mostOperations ? undefined : { node, root, operations };
}
