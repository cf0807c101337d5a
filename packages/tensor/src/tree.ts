/**
 * Trees: nested plain objects and arrays with tensors at the leaves. States, parameters and batches are trees.
 *
 * Anything that is neither a plain object, an array nor a tensor (a number, a string, a function, a class instance)
 * is a static leaf: it travels along unchanged. Object keys are visited in sorted order, so that two objects with the
 * same keys flatten alike, however they were built.
 */
import { ArgumentError } from './errors.ts';
import type { Tensor } from './tensor.ts';
import { isTensor } from './tensor-core.ts';

/** A tensor, or nested arrays and plain objects of such. */
export type Tree = Tensor | readonly Tree[] | { readonly [key: string]: Tree };

/** The tensors of a tree, and the way back. */
export interface Flat<T> {
  readonly tensors: readonly Tensor[];
  /** The same tree with other tensors at its leaves. */
  rebuild(tensors: readonly Tensor[]): T;
}

function isPlainObject(node: unknown): node is Record<string, unknown> {
  if (typeof node !== 'object' || node === null) return false;
  const prototype = Object.getPrototypeOf(node);
  return prototype === Object.prototype || prototype === null;
}

/** Rebuilds `node` with `leaf` applied to every tensor and `constant` to every static leaf, in the fixed order. */
function walk(
  node: unknown,
  path: string,
  leaf: (tensor: Tensor, path: string) => unknown,
  constant: (value: unknown, path: string) => unknown,
): unknown {
  if (isTensor(node)) return leaf(node, path);
  if (Array.isArray(node)) {
    return node.map((child, i) => walk(child, `${path}[${i}]`, leaf, constant));
  }
  if (!isPlainObject(node)) return constant(node, path);
  const copy: Record<string, unknown> = {};
  // Keys keep their place in the copy (people print these), but are visited in sorted order.
  for (const key of Object.keys(node)) copy[key] = undefined;
  for (const key of Object.keys(node).sort()) {
    copy[key] = walk(node[key], path === '' ? key : `${path}.${key}`, leaf, constant);
  }
  return copy;
}

const unchanged = (value: unknown): unknown => value;

/** Takes a tree apart. */
export function flatten<T>(tree: T): Flat<T> {
  const tensors: Tensor[] = [];
  walk(tree, '', (tensor) => tensors.push(tensor), unchanged);
  return {
    tensors,
    rebuild(others) {
      let next = 0;
      return walk(tree, '', () => others[next++], unchanged) as T;
    },
  };
}

/** The same tree with `fn` applied to every tensor. */
export function mapTree<T>(tree: T, fn: (tensor: Tensor, path: string) => Tensor): T {
  return walk(tree, '', fn, unchanged) as T;
}

/** Leaves with their places, as in `field.w1` or `layers[0].bias`. */
export function leavesWithPaths(tree: unknown): { path: string; tensor: Tensor }[] {
  const leaves: { path: string; tensor: Tensor }[] = [];
  walk(tree, '', (tensor, path) => leaves.push({ path, tensor }), unchanged);
  return leaves;
}

const identities = new WeakMap<object, number>();
let nextIdentity = 0;

function identityOf(value: unknown): string {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) {
    return `${typeof value}:${String(value)}`;
  }
  let identity = identities.get(value);
  if (identity === undefined) {
    identity = nextIdentity++;
    identities.set(value, identity);
  }
  return `#${identity}`;
}

/** A string that is equal for two trees exactly if a recording made with one serves the other. */
export function structureKey(tree: unknown): string {
  const parts: string[] = [];
  walk(
    tree,
    '',
    (tensor, path) => parts.push(`${path}=${tensor.dtype}[${tensor.shape.join(',')}]`),
    (value, path) => parts.push(`${path}=${identityOf(value)}`),
  );
  return parts.join(';');
}

/** Throws unless `other` has the structure of `tree`: the same keys and lengths. */
export function requireSameStructure(tree: unknown, other: unknown, what: string): void {
  const places = (t: unknown): string =>
    leavesWithPaths(t)
      .map(({ path }) => path || '(the tensor itself)')
      .join(', ') || 'nothing';
  const expected = places(tree);
  const got = places(other);
  if (got !== expected) {
    throw new ArgumentError({ what: `${what}: trees of different structure`, got, expected });
  }
}

/** Releases every tensor of a tree. */
export function disposeTree(tree: unknown): void {
  for (const { tensor } of leavesWithPaths(tree)) tensor.dispose();
}
