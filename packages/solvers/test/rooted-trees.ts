/**
 * Rooted trees and what the order conditions of Runge-Kutta methods need of them (Hairer, Nørsett, Wanner I, section
 * II.2; Butcher's tables): a method has order p exactly if Σᵢ bᵢ Φᵢ(τ) = 1/γ(τ) for every tree τ of at most p nodes.
 */

/** A tree is the list of its root's subtrees. */
export type RootedTree = readonly RootedTree[];

/** Number of nodes, |τ|. */
export function nodes(tree: RootedTree): number {
  return 1 + tree.reduce((sum, child) => sum + nodes(child), 0);
}

/** γ(τ): the product of the node counts of all subtrees. */
export function density(tree: RootedTree): number {
  return tree.reduce((product, child) => product * density(child), nodes(tree));
}

/** Φᵢ(τ): the product over the root's children of Σⱼ aᵢⱼ Φⱼ(child). */
export function elementaryWeights(
  tree: RootedTree,
  a: readonly (readonly number[])[],
): readonly number[] {
  const children = tree.map((child) => elementaryWeights(child, a));
  return a.map((row) =>
    children.reduce(
      (product, weights) => product * row.reduce((sum, aij, j) => sum + aij * weights[j], 0),
      1,
    ),
  );
}

/** Multisets of trees with `total` nodes in all, each tree no later in `pool` than the one before. */
function forests(total: number, pool: readonly RootedTree[]): RootedTree[][] {
  if (total === 0) return [[]];
  return pool.flatMap((tree, i) =>
    nodes(tree) > total
      ? []
      : forests(total - nodes(tree), pool.slice(0, i + 1)).map((rest) => [tree, ...rest]),
  );
}

/** All rooted trees of exactly `count` nodes. */
export function treesOf(count: number): RootedTree[] {
  return forests(count - 1, treesUpTo(count - 1));
}

/** All rooted trees of at most `count` nodes. */
export function treesUpTo(count: number): RootedTree[] {
  return Array.from({ length: Math.max(0, count) }, (_, i) => treesOf(i + 1)).flat();
}
