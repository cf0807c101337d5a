/**
 * The implicit midpoint rule (Hairer, Wanner II, section IV.5; Gauss's method of one stage). Order 2, A-stable, symplectic.
 */
import type { FixedStepRungeKutta } from '../tableau.ts';

const solver: FixedStepRungeKutta = {
  kind: 'fixed',
  tableau: {
    name: 'implicitMidpoint',
    order: 2,
    c: [1 / 2],
    a: [[1 / 2]],
    b: [1],
    fsal: false,
    interpolant: [[1]],
    interpolantOrder: 1,
    implicit: { kind: 'diagonal', gamma: 1 / 2 },
  },
};

/** The implicit midpoint rule: order 2, fixed steps, symplectic. */
export function implicitMidpoint(): FixedStepRungeKutta {
  return solver;
}
