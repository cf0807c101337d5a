/**
 * The backward Euler method (Hairer, Wanner II, section IV.3; Radau IIA of one stage). Order 1, L-stable.
 */
import type { FixedStepRungeKutta } from '../tableau.ts';

const solver: FixedStepRungeKutta = {
  kind: 'fixed',
  tableau: {
    name: 'backwardEuler',
    order: 1,
    c: [1],
    a: [[1]],
    b: [1],
    fsal: false,
    interpolant: [[1]],
    interpolantOrder: 1,
    implicit: { kind: 'diagonal', gamma: 1 },
  },
};

/** The backward Euler method: order 1, fixed steps, L-stable. */
export function backwardEuler(): FixedStepRungeKutta {
  return solver;
}
