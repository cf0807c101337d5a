/**
 * The field of a solve on flat vectors, which is what the implicit steps solve for: all leaves of the state, end to end,
 * a batch and all. (A batch of independent systems so becomes one big one; its block structure is not used.)
 *
 * A leaf that the field does not read is a quadrature: it follows from the others and is left out of the system. The
 * parameters' gradient in a continuous adjoint is such a leaf, and often by far the largest.
 */
import { clean } from '@neuralode/autodiff';
import {
  concat,
  type Graph,
  inline,
  record,
  type Spec,
  sizeOf,
  type Tensor,
  zerosLike,
  zeros,
} from '@neuralode/tensor';
import type { OdeSolveAttrs } from '../solve-attrs.ts';

export interface FlatField {
  /** Number of unknowns. */
  readonly size: number;
  readonly scalar: Spec;
  readonly vector: Spec;
  readonly state: readonly Spec[];
  readonly args: readonly Spec[];
  /** Which leaves are unknowns. */
  readonly solved: readonly boolean[];
  /** Inputs: t, the vector, args. Output: its derivative. */
  readonly graph: Graph;
  /** The unknown leaves as one vector. */
  pack(leaves: readonly Tensor[]): Tensor;
  /** All leaves, of which the unknown ones are those of `vector`, the others those of `quadratures`. */
  unpack(vector: Tensor, quadratures: readonly Tensor[]): Tensor[];
  /** Derivatives of all leaves. */
  rates(t: Tensor, vector: Tensor, args: readonly Tensor[]): Tensor[];
}

function readLeaves(body: Graph, leaves: number): boolean[] {
  const { nodes, outputs } = clean(body);
  const read = new Set([...nodes.flatMap(({ inputs }) => inputs), ...outputs]);
  const solved = body.inputs.slice(1, 1 + leaves).map((value) => read.has(value));
  return solved.includes(true) ? solved : solved.map(() => true);
}

export function flatFieldOf({ body, leaves }: OdeSolveAttrs): FlatField {
  const [scalar] = body.inputs;
  const state = body.inputs.slice(1, 1 + leaves);
  const args = body.inputs.slice(1 + leaves);
  const solved = readLeaves(body, leaves);
  const sizes = state.map(({ shape }, l) => (solved[l] ? sizeOf(shape) : 0));
  const size = sizes.reduce((sum, each) => sum + each, 0);
  const vector: Spec = { shape: [size], dtype: scalar.dtype };

  const pack = (values: readonly Tensor[]): Tensor =>
    concat(values.flatMap((leaf, l) => (solved[l] ? [leaf.reshape([sizes[l]])] : [])));
  const unpack = (flat: Tensor, quadratures: readonly Tensor[]): Tensor[] => {
    let from = 0;
    return state.map(({ shape }, l) => {
      if (!solved[l]) return quadratures[l];
      from += sizes[l];
      return flat.slice([from - sizes[l]], [sizes[l]]).reshape(shape);
    });
  };
  const rates = (t: Tensor, flat: Tensor, constants: readonly Tensor[]): Tensor[] => {
    // Nobody reads the quadratures: anything will do.
    const idle = state.map(({ shape }, l) => (solved[l] ? flat : zeros(shape, zerosLike(flat))));
    return inline(body, [t, ...unpack(flat, idle), ...constants]);
  };
  const recording = record([scalar, vector, ...args], (t, flat, ...constants) =>
    pack(rates(t, flat, constants)),
  );
  const graph = clean(recording.graph);
  return { size, scalar, vector, state, args, solved, graph, pack, unpack, rates };
}
