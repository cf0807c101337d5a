/**
 * Euler's method (Institutionum calculi integralis I, 1768, § 650). Order 1.
 */
import type { FixedStepRungeKutta } from '../tableau.ts';

const solver: FixedStepRungeKutta = {
  kind: 'fixed',
  tableau: {
    name: 'euler',
    order: 1,
    c: [0],
    a: [[]],
    b: [1],
    fsal: false,
    interpolant: [[1]],
    interpolantOrder: 1,
  },
};

/** Euler's method: order 1, one evaluation a step. */
export function euler(): FixedStepRungeKutta {
  return solver;
}
