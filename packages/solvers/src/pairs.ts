/**
 * States [q, p] of methods that move positions and momenta in turns.
 */
import { ArgumentError, leavesWithPaths, requireSameStructure, sameShape } from '@neuralode/tensor';

/** Which leaves of the state belong to q; an ArgumentError in the name of the method where it is no such pair. */
export function positionsOf(y0: unknown, method: string): boolean[] {
  const remedy = 'Make the state a pair [q, p] of alike trees, with q̇ = g(t, p) and ṗ = f(t, q)';
  if (!Array.isArray(y0) || y0.length !== 2) {
    const what = `odeint: ${method} moves positions and momenta in turns, and the state is no pair`;
    throw new ArgumentError({ what, remedy });
  }
  const [q, p] = y0;
  requireSameStructure(q, p, `odeint: ${method}: q and p of the state [q, p]`);
  const [positions, momenta] = [leavesWithPaths(q), leavesWithPaths(p)];
  const odd = positions.find(({ tensor }, i) => !sameShape(tensor.shape, momenta[i].tensor.shape));
  if (odd !== undefined) {
    const what = `odeint: ${method}: q and p of the state [q, p] differ in shape`;
    throw new ArgumentError({ what, got: odd.path, remedy });
  }
  return [...positions.map(() => true), ...momenta.map(() => false)];
}
