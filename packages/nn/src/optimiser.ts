/**
 * What an optimiser is: a pure update rule from (gradients, state, parameters) to new parameters and state, whose
 * state is a tree of tensors like any other: it is recorded inside `jit`, saved with the parameters, and shared with
 * nobody. The old tensors are left alone; `train` (or you) disposes of them.
 */
import {
  ArgumentError,
  type DType,
  flatten,
  requireSameStructure,
  type Tensor,
  type Tree,
  zeros,
  zerosLike,
} from '@neuralode/tensor';

/** An update rule with state of type `S` (a tree of tensors). */
export interface Optimiser<S> {
  /** The state before the first update of `params`. */
  init(params: unknown): S;
  /**
   * One update. Call it inside `jit`: called outside, it leaves its intermediate results to the garbage collector.
   * `params` is a tree of float tensors, `grads` one of the same structure.
   */
  update<P>(grads: P, state: S, params: P): { params: P; state: S };
}

/** The part of every state: how many updates have been made, an int32 scalar. */
export interface StepState {
  readonly step: Tensor;
}

/** No update made yet. */
export function firstStep(): Tensor {
  // int32 and not a float: float32 counts no further than 2²⁴
  return zeros([], { dtype: 'int32' });
}

/** A tree of zeros like `params`: a moment before the first update. */
export function zeroMoment<P>(params: P): Tree {
  const { tensors, rebuild } = flatten(params);
  return rebuild(tensors.map(zerosLike)) as Tree;
}

/** The dtype in which a rule's scalars (learning rate, bias correction) are computed: that of the first leaf. */
export function scalarDType(params: unknown): DType {
  return flatten(params).tensors[0]?.dtype ?? 'float32';
}

/** Throws unless `value` is in [0, 1): what an average may keep of itself. */
export function requireFraction(value: number, what: string): void {
  if (value >= 0 && value < 1) return;
  throw new ArgumentError({
    what: `${what} out of range`,
    got: String(value),
    expected: '0 ≤ value < 1',
  });
}

/** The trees of a state that run along with the parameters, by name. */
type Moments = { readonly [name: string]: Tree | undefined };

/** The tensors that belong to one leaf of the parameters. */
type OwnMoments<M extends Moments> = { readonly [K in keyof M]: Tensor };

/** One leaf before an update. */
export interface LeafBefore<M extends Moments> {
  readonly grad: Tensor;
  readonly param: Tensor;
  readonly moments: OwnMoments<M>;
}

/** The same leaf after it. */
export type LeafAfter<M extends Moments> = Omit<LeafBefore<M>, 'grad'>;

/** Applies `rule` to every leaf of `params`, with its gradient and its place in each tree of `moments`. */
export function updateLeaves<P, M extends Moments>(
  what: string,
  grads: P,
  params: P,
  moments: M,
  rule: (leaf: LeafBefore<M>) => LeafAfter<M>,
): { params: P; moments: M } {
  requireSameStructure(params, grads, `${what}: gradients of other parameters`);
  const names = Object.keys(moments);
  for (const name of names) {
    requireSameStructure(params, moments[name], `${what}: state of other parameters (${name})`);
  }
  const flatParams = flatten(params);
  const flatGrads = flatten(grads);
  const flatMoments = names.map((name) => flatten(moments[name]));
  const after = flatParams.tensors.map((param, i) => {
    const own = names.map((name, k) => [name, flatMoments[k].tensors[i]]);
    return rule({ param, grad: flatGrads.tensors[i], moments: Object.fromEntries(own) });
  });
  const moved = names.map((name, k) => [
    name,
    flatMoments[k].rebuild(after.map((leaf) => leaf.moments[name] as Tensor)),
  ]);
  return {
    params: flatParams.rebuild(after.map(({ param }) => param)),
    moments: Object.fromEntries(moved),
  };
}
